"""Plugins that fail, each a real package: the error says all, and nothing else is harmed."""

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

SOUND = "import weightopt_core\nclass Broken(weightopt_core.Optimizer): pass\n"
#: What is wrong with a plugin: its module, and what the error says of cause and remedy.
BROKEN = {
    "broken-import": (
        "import nothing_of_this_name",
        "No module named 'nothing_of_this_name'; install what provides 'nothing_of_this_name'",
    ),
    "broken-syntax": ("class", "it does not load: SyntaxError: "),
    "broken-exit": (
        "raise SystemExit(3)",
        "it does not load: SystemExit: 3; pip install ",
    ),
    "broken-base": (
        "class Broken: pass",
        "expected a subclass of Optimizer, got <class 'broken_base.Broken'>; tell its authors",
    ),
    "broken-missing": ("", "has no attribute 'Broken'; pip install --upgrade broken-missing, or "),
    "broken-newer": (
        "__weightopt_api__ = 99\n" + SOUND,
        "for plugin API 99, this core has 1; upgrade weightopt-core",
    ),
    "broken-newer-import": (
        "__weightopt_api__ = 99\nfrom weightopt_core import NothingOfThisName",
        "for plugin API 99, this core has 1; upgrade weightopt-core",
    ),
    "broken-older": (
        "__weightopt_api__ = 0\n" + SOUND,
        "for plugin API 0, this core has 1; upgrade the package",
    ),
}
#: Prints whether the algorithms of others work, and what is wrong with the one called broken.
PROBE = """
import weightopt_core as mx
modules = mx.optimizer, mx.init, mx.lr_scheduler
print(["broken" in module.registry.names() for module in modules])
print(mx.optimizer.create("adam"), mx.init.create("zero"), mx.optimizer.create("sgd"))
for module in modules:
    if "broken" in module.registry.names():
        try:
            module.create("broken")
        except mx.PluginError as error:
            print(error)
"""
OTHERS = "Adam() Zero() SGD()"


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_breaks_only_itself(name, installed, third_party, listed):
    text, cause = BROKEN[name]
    module = name.replace("-", "_")
    third_party(name, text, {"broken": f"{module}:Broken"}, version="2.5")
    found, others, error = installed.python(PROBE).splitlines()
    assert (found, others) == ("[True, False, False]", OTHERS)
    assert f"entry point 'broken' = '{module}:Broken' of group 'weightopt.optimizers'" in error
    assert f"package {name} 2.5: " in error
    assert cause in error
    table = listed()
    assert "broken:" in table
    assert "compiled" in table


@pytest.mark.parametrize(
    ("group", "kind", "base"),
    [
        ("initializers", "initializer", "Initializer"),
        ("lr_schedulers", "scheduler", "LRScheduler"),
    ],
)
def test_so_does_one_of_another_kind(group, kind, base, installed, third_party):
    third_party("broken-kind", SOUND, {"broken": "broken_kind:Broken"}, group=group)
    found, others, error = installed.python(PROBE).splitlines()
    assert found.count("True") == 1
    assert others == OTHERS
    assert error == (
        f"{kind} 'broken': entry point 'broken' = 'broken_kind:Broken' of group "
        f"'weightopt.{group}', package broken-kind 1.0: expected a subclass of {base}, got "
        "<class 'broken_kind.Broken'>; tell its authors, and pip uninstall broken-kind"
    )


def test_metadata_that_outlives_its_module(installed, third_party):
    third_party("left-over", SOUND, {"broken": "left_over:Broken"})
    installed.python(
        """
        import importlib.util, shutil, os
        shutil.rmtree(os.path.dirname(importlib.util.find_spec("left_over").origin))
        """
    )
    _, others, error = installed.python(PROBE).splitlines()
    assert others == OTHERS
    assert "entry point 'broken' = 'left_over:Broken' of group 'weightopt.optimizers'" in error
    assert "package left-over 1.0: its module 'left_over' is gone" in error
    assert "pip install --force-reinstall left-over" in error


def test_metadata_that_is_damaged(installed, third_party, listed):
    third_party("damaged", SOUND, {"broken": "damaged:Gone"})
    hide = """
        import sysconfig
        from pathlib import Path
        folder = Path(sysconfig.get_path("purelib"), "damaged-1.0.dist-info")
        (folder / "{}").rename(folder / "{}")
        """
    installed.python(hide.format("METADATA", "HIDDEN"))
    try:
        _, others, error = installed.python(PROBE).splitlines()
        table = listed()
    finally:
        installed.python(hide.format("HIDDEN", "METADATA"))
    assert others == OTHERS
    assert "entry point 'broken' = 'damaged:Gone' of group 'weightopt.optimizers'" in error
    assert "package damaged 1.0: it does not load: " in error
    assert "has no attribute 'Gone'; pip install --upgrade damaged, or " in error
    assert "compiled" in table


def test_a_process_that_outlives_an_uninstall(spoilt):
    printed = spoilt.python(
        """
        import subprocess, sys
        import weightopt_core as mx
        print(mx.optimizer.registry.names())
        pip = [sys.executable, "-m", "pip", "--quiet", "uninstall", "--yes", "weightopt-adam"]
        subprocess.run(pip, check=True)
        for _ in range(2):
            try:
                mx.optimizer.create("adam")
            except (mx.PluginError, ValueError) as error:
                print(error)
            mx.optimizer.registry.refresh()
        print(mx.optimizer.registry.names(), mx.optimizer.create("sgd"))
        """
    )
    before, stale, gone, after = printed.splitlines()
    assert before == "['adam', 'ccsgd', 'sgd']"
    assert "module 'weightopt_adam' is gone, as after an uninstall; pip install" in stale
    assert gone == "optimizer 'adam' is not installed; pip install weightopt-adam"
    assert after == "['ccsgd', 'sgd'] SGD()"


def test_a_plugin_that_prints_and_is_slow_is_left_alone(installed, third_party, listed):
    text = 'import time\nprint("noise of a plugin")\ntime.sleep(3)\n' + SOUND
    third_party("noisy", text, {"noisy": "noisy:Broken"})
    printed = installed.python(
        """
        import time
        import weightopt_core as mx
        start = time.process_time()
        print(mx.optimizer.registry.names(), mx.optimizer.create("sgd"))
        print(time.process_time() - start < 2)
        """
    )
    assert "noise" not in printed
    assert printed.endswith("SGD()\nTrue\n")
    table = listed()
    assert "noise" not in table
    assert "noisy" in table


def test_strict_look_ups_fail_for_any_broken_plugin(installed, third_party):
    sound = "import weightopt_core as mx; print(mx.optimizer.create('sgd'))"
    assert installed.python(sound, WEIGHTOPT_STRICT="1") == "SGD()\n"
    third_party("broken-strict", "import nothing_of_this_name", {"broken": "broken_strict:Broken"})
    code = """
        import weightopt_core as mx
        for call in (mx.optimizer.registry.names, lambda: mx.optimizer.create("sgd")):
            try:
                print(call())
            except mx.PluginError as error:
                print(error)
        print(mx.init.create("zero"))
        """
    first, second, third = installed.python(code, WEIGHTOPT_STRICT="1").splitlines()
    assert first == second
    assert first.startswith("WEIGHTOPT_STRICT: optimizer 'broken': entry point 'broken'")
    assert third == "Zero()"
    assert installed.python(code, WEIGHTOPT_STRICT="0").splitlines()[1] == "SGD()"


def test_two_packages_with_one_name_are_both_named(installed, third_party, listed):
    text = "import weightopt_core\nclass Twin(weightopt_core.Optimizer): pass"
    third_party("first-twin", text, {"broken": "first_twin:Twin"})
    third_party("second-twin", text, {"Bro-ken": "second_twin:Twin"}, version="3.0")
    _, others, error = installed.python(PROBE).splitlines()
    assert others == OTHERS
    group = "of group 'weightopt.optimizers', package"
    assert error == (
        "optimizer 'broken': 2 packages provide it: "
        f"entry point 'broken' = 'first_twin:Twin' {group} first-twin 1.0 and "
        f"entry point 'Bro-ken' = 'second_twin:Twin' {group} second-twin 3.0; "
        "pip uninstall first-twin or second-twin"
    )
    table = listed()
    assert "broken: " in table
    assert "second-twin" in table
    assert "compiled" in table
