"""What users do: real wheels, installed by pip into fresh environments."""

import shutil
import subprocess
import sys
import zipfile

import pytest
from environments import Environment, build_wheel, write_package

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]
PLUGINS = ("sgd", "adam", "uniform", "zero", "factor")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    return {name: build_wheel(f"plugins/{name}", folder) for name in PLUGINS} | {
        "core": build_wheel(".", folder)
    }


@pytest.fixture(scope="session")
def installed(wheels, tmp_path_factory):
    """Return an environment with the core, its command, and the plugins."""
    environment = Environment(tmp_path_factory.mktemp("installed"))
    environment.install(
        "--upgrade",
        "setuptools",
        "wheel",
        f"{wheels['core']}[cli]",
        *(wheels[name] for name in PLUGINS),
    )
    return environment


@pytest.fixture
def third_party(installed, tmp_path):
    """Return a function that installs a package, and uninstall all of them afterwards."""
    names = []

    def install(name, text, entry_points, **options):
        project = write_package(tmp_path, name, text, entry_points, **options)
        installed.install("--no-build-isolation", project)
        names.append(name)

    yield install
    installed.pip("uninstall", "--yes", *names)


def test_a_core_alone_works_and_says_how_to_get_more(wheels, tmp_path):
    environment = Environment(tmp_path / "alone")
    environment.install(wheels["core"])
    printed = environment.python(
        """
        import weightopt_core as mx
        print(mx.optimizer.registry.names(), mx.init.registry.names())
        for name in ("adam", "adm", "no-such-thing"):
            try:
                mx.optimizer.create(name)
            except ValueError as error:
                print(error)
        class Mine(mx.Optimizer):
            pass
        print(mx.optimizer.register(Mine) and mx.optimizer.create("mine"))
        """
    )
    assert printed.startswith("[] []")
    assert "optimizer 'adam' is not installed; pip install weightopt-adam" in printed
    assert "unknown optimizer 'adm'; did you mean 'adam'" in printed
    assert "unknown optimizer 'no-such-thing'; known: " in printed
    assert printed.rstrip().endswith("Mine()")
    command = subprocess.run(
        [environment.bin / "weightopt", "list"], text=True, capture_output=True, check=False
    )
    assert command.returncode != 0
    assert 'pip install "weightopt-core[cli]"' in command.stderr


def test_compiled_plugins_are_one_wheel_for_every_python(wheels):
    assert wheels["adam"].name.startswith("weightopt_adam-0.1.0-cp310-abi3-")
    assert wheels["uniform"].name == "weightopt_uniform-0.1.0-py3-none-any.whl"
    names = zipfile.ZipFile(wheels["adam"]).namelist()
    assert [name for name in names if name.startswith("weightopt_adam/_rules")]
    assert not [name for name in names if name.endswith((".c", ".pyx", ".h"))]


def test_installed_plugins_step_compiled(installed):
    printed = installed.python(
        """
        import numpy as np, weightopt_core as mx
        adam = mx.optimizer.create("adam", learning_rate=0.5)
        weight = np.ones(3, np.float32)
        adam.update(0, weight, weight.copy(), adam.create_state(0, weight))
        print(weight.round(6), adam.rule.compiled.reason == "")
        """
    )
    assert printed.split() == ["[0.5", "0.5", "0.5]", "True"]
    listed = installed.weightopt("list")
    assert "adam" in listed
    assert "weightopt-adam" in listed
    assert "compiled" in listed


@pytest.mark.parametrize("minor", [10, 11, 12, 13])
def test_the_plugin_wheel_loads_on(minor, wheels, tmp_path):
    interpreter = shutil.which(f"python3.{minor}")
    usable = interpreter and subprocess.run([interpreter, "-c", ""], check=False).returncode == 0
    if not usable:
        pytest.skip(f"no Python 3.{minor} here")
    environment = Environment(tmp_path / "env", interpreter)
    environment.install("numpy", "--only-binary", ":all:")
    environment.install("--no-deps", "--ignore-requires-python", wheels["adam"])
    printed = environment.python(
        """
        import importlib.util, sys
        path = importlib.util.find_spec("weightopt_adam").submodule_search_locations[0]
        from pathlib import Path
        (library,) = Path(path).glob("_rules*")
        spec = importlib.util.spec_from_file_location("_rules", library)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        print(sys.version_info[1], *module.RULES)
        """
    )
    assert printed.split() == [str(minor), "weightopt_adam.adam"]


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
print("broken" in mx.optimizer.registry.names())
others = mx.optimizer.create("adam"), mx.init.create("zero"), mx.optimizer.create("sgd")
print(*others)
try:
    mx.optimizer.create("broken")
except mx.PluginError as error:
    print(error)
"""


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_breaks_only_itself(name, installed, third_party):
    text, cause = BROKEN[name]
    module = name.replace("-", "_")
    third_party(name, text, {"broken": f"{module}:Broken"}, version="2.5")
    found, others, error = installed.python(PROBE).splitlines()
    assert (found, others) == ("True", "Adam() Zero() SGD()")
    assert f"entry point 'broken' = '{module}:Broken' of group 'weightopt.optimizers'" in error
    assert f"package {name} 2.5: " in error
    assert cause in error
    listed = installed.weightopt("list")
    assert "broken:" in listed
    assert "compiled" in listed


def test_metadata_that_outlives_its_module(installed, third_party):
    third_party("left-over", SOUND, {"broken": "left_over:Broken"})
    installed.python(
        """
        import importlib.util, shutil, os
        shutil.rmtree(os.path.dirname(importlib.util.find_spec("left_over").origin))
        """
    )
    found, others, error = installed.python(PROBE).splitlines()
    assert (found, others) == ("True", "Adam() Zero() SGD()")
    assert "package left-over 1.0: its module 'left_over' is gone" in error
    assert "pip install --force-reinstall left-over" in error


def test_a_process_that_outlives_an_uninstall(wheels, tmp_path):
    environment = Environment(tmp_path / "uninstalled")
    environment.install(wheels["core"], wheels["adam"], wheels["sgd"])
    printed = environment.python(
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


def test_a_plugin_that_prints_and_is_slow_is_left_alone(installed, third_party):
    text = 'import time\nprint("noise of a plugin")\ntime.sleep(3)\n' + SOUND
    third_party("noisy", text, {"noisy": "noisy:Broken"})
    printed = installed.python(
        """
        import time
        import weightopt_core as mx
        start = time.perf_counter()
        print(mx.optimizer.registry.names(), mx.optimizer.create("sgd"))
        print(time.perf_counter() - start < 2)
        """
    )
    assert "noise" not in printed
    assert printed.endswith("SGD()\nTrue\n")
    table = subprocess.run(
        [installed.bin / "weightopt", "list"], text=True, capture_output=True, check=True
    )
    assert "noise" not in table.stdout
    assert "noisy" in table.stdout


def test_plugins_can_be_left_out(installed):
    code = """
        import weightopt_core as mx
        print(mx.optimizer.registry.names(), mx.init.registry.names())
        try:
            print(mx.optimizer.create("adam"))
        except ValueError as error:
            print(error)
        """
    for value, names in {
        "adam": "['ccsgd', 'sgd'] ['uniform', 'zero', 'zeros']",
        "ADAM, weightopt-sgd,uniform": "[] ['zero', 'zeros']",
        "all": "[] []",
    }.items():
        printed = installed.python(code, WEIGHTOPT_DISABLE_PLUGINS=value).splitlines()
        assert printed[0] == names
        assert printed[1] == (
            "optimizer 'adam' is disabled; take it out of WEIGHTOPT_DISABLE_PLUGINS"
        )


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


def test_two_packages_with_one_name_are_both_named(installed, third_party):
    text = "import weightopt_core\nclass Twin(weightopt_core.Optimizer): pass"
    third_party("first-twin", text, {"twin": "first_twin:Twin"})
    third_party("second-twin", text, {"Tw-in": "second_twin:Twin"}, version="3.0")
    printed = installed.python(
        """
        import weightopt_core as mx
        print(mx.optimizer.create("sgd"))
        try:
            mx.optimizer.create("twin")
        except mx.PluginError as error:
            print(error)
        """
    )
    assert "SGD()" in printed
    assert "first-twin 1.0" in printed
    assert "second-twin 3.0" in printed


def test_a_strangers_plugin_is_found_after_a_refresh(installed, third_party):
    text = "import weightopt_core\nclass Stranger(weightopt_core.Optimizer): pass"
    third_party("stranger", text, {"stranger": "stranger:Stranger"})
    printed = installed.python(
        """
        import sys
        import weightopt_core as mx
        print(mx.optimizer.create("STRAN.ger"), mx.optimizer.Stranger)
        mx.optimizer.registry.refresh()
        print(mx.optimizer.create("stranger"), "weightopt_adam" in sys.modules)
        """
    )
    assert printed.split() == [
        "Stranger()",
        "<class",
        "'stranger.Stranger'>",
        "Stranger()",
        "False",
    ]


def test_a_rule_edited_after_it_was_compiled_never_runs_stale(wheels, tmp_path):
    environment = Environment(tmp_path / "stale")
    environment.install(wheels["core"], wheels["sgd"])
    printed = environment.python(
        """
        import importlib.util, warnings
        from pathlib import Path
        path = Path(importlib.util.find_spec("weightopt_sgd").origin)
        text = path.read_text().replace("return weight + mom, mom", "return weight - 1 * mom, mom")
        path.write_text(text)
        import numpy as np, weightopt_core as mx
        sgd = mx.optimizer.create("sgd", learning_rate=0.5, momentum=0.5)
        weight = np.ones(1)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            sgd.update(0, weight, np.ones(1), sgd.create_state(0, weight))
        print(weight, sgd.rule.compiled.reason)
        print(caught[0].message)
        """
    )
    assert printed.startswith("[1.5] compiled from another source")
    assert "runs on NumPy" in printed


def test_a_rule_without_its_compiled_module_runs_on_numpy(wheels, tmp_path):
    environment = Environment(tmp_path / "plain")
    environment.install(f"{wheels['core']}[cli]", wheels["sgd"])
    environment.python(
        """
        import importlib.util
        from pathlib import Path
        folder = Path(importlib.util.find_spec("weightopt_sgd").origin).parent
        for library in folder.glob("_rules*"):
            library.unlink()
        """
    )
    assert "NumPy (not compiled)" in environment.weightopt("list")


def test_the_wheel_of_the_core_holds_what_it_needs(wheels):
    names = zipfile.ZipFile(wheels["core"]).namelist()
    for wanted in ("py.typed", "rule/preamble.h", "templates/pyproject.toml.in"):
        assert f"weightopt_core/{wanted}" in names
    assert not [name for name in names if name.startswith(("plugins", "tests", "docs"))]
    assert sys.version_info[:2] >= (3, 10)
