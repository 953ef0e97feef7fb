"""What users do: real wheels, installed by pip into fresh environments."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from environments import ROOT, Environment, clean, run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]


def test_a_core_alone_works_and_says_how_to_get_more(wheels, tools, tmp_path):
    environment = Environment(tmp_path / "alone", tools)
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
    asked = [environment.bin / "weightopt", "list"]
    command = subprocess.run(asked, env=clean(), text=True, capture_output=True, check=False)
    assert command.returncode != 0
    assert 'pip install "weightopt-core[cli]"' in command.stderr


@pytest.mark.skipif(os.name == "nt", reason="it does not count the seconds of children")
def test_core_and_three_plugins_are_installed_in_seconds(dist, wheels, tools, tmp_path):
    """Without a compiler, in less than 10 s of processor time; others may use the processor too."""
    environment = Environment(tmp_path / "quick", dist, tools)
    (tmp_path / "programs").mkdir()
    before = os.times()
    names = ("adam", "sgd", "uniform")
    environment.install(*(wheels[name] for name in names), PATH=str(tmp_path / "programs"))
    after = os.times()
    printed = environment.python("import weightopt_core as mx; print(mx.optimizer.create('adam'))")
    assert printed == "Adam()\n"
    used = after.children_user + after.children_system
    assert used - before.children_user - before.children_system < 10


def test_compiled_plugins_are_one_wheel_for_every_python(wheels):
    assert wheels["adam"].name.startswith("weightopt_adam-0.1.0-cp310-abi3-")
    assert wheels["uniform"].name == "weightopt_uniform-0.1.0-py3-none-any.whl"
    names = zipfile.ZipFile(wheels["adam"]).namelist()
    assert [name for name in names if name.startswith("weightopt_adam/_rules")]
    assert not [name for name in names if name.endswith((".c", ".pyx", ".h"))]


def test_installed_plugins_step_compiled(installed, listed):
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
    table = listed()
    assert "adam" in table
    assert "weightopt-adam" in table
    assert "compiled" in table


@pytest.mark.parametrize("minor", [10, 11, 12, 13])
def test_the_plugin_wheel_loads_on(minor, wheels, tmp_path):
    interpreter = shutil.which(f"python3.{minor}")
    usable = interpreter and subprocess.run([interpreter, "-c", ""], check=False).returncode == 0
    if not usable:
        pytest.skip(f"no Python 3.{minor} here")
    environment = Environment(tmp_path / "env", interpreter=interpreter)
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


def test_the_package_that_installs_all_has_a_module(installed, wheels):
    installed.install("--no-deps", wheels["meta"])
    try:
        printed = installed.python(
            """
            import weightopt as wo
            from weightopt.optimizer import Adam
            import weightopt.lr_scheduler, weightopt_core, numpy as np
            weight = np.empty(3, np.float32)
            wo.init.create("zero")("fc_weight", weight)
            schedule = weightopt.lr_scheduler.create("factor", step=10)
            optimizer = wo.optimizer.create("adam", learning_rate=0.5, lr_scheduler=schedule)
            wo.optimizer.get_updater(optimizer)("fc_weight", np.ones(3, np.float32), weight)
            print(weight.round(3).tolist(), type(optimizer) is Adam)
            print(wo.optimizer is weightopt_core.optimizer, wo.__version__)
            """
        )
        assert printed.splitlines() == ["[-0.5, -0.5, -0.5] True", "True 0.1.0"]
        listed = run(installed.bin / "python", "-m", "weightopt", "list", cwd=installed.folder)
        assert "weightopt-adam" in listed
    finally:
        installed.pip("uninstall", "--yes", "weightopt")
    assert zipfile.ZipFile(wheels["meta"]).namelist()[:3] == [
        "weightopt/__init__.py",
        "weightopt/__main__.py",
        "weightopt/py.typed",
    ]


def test_the_first_examples_run_word_for_word(installed, wheels):
    names = ("meta", "xavier", "cosine")
    installed.install("--no-deps", *(wheels[name] for name in names))
    try:
        for page in ("README.md", "docs/index.md"):
            text = (ROOT / page).read_text("utf-8")
            installed.python(re.search(r"```python\n(.*?)```", text, re.S)[1])
    finally:
        installed.pip("uninstall", "--yes", "weightopt", "weightopt-xavier", "weightopt-cosine")


def test_a_bridge_is_one_wheel_for_every_python(wheels, installed):
    assert wheels["torch"].name == "weightopt_torch-0.1.0-py3-none-any.whl"
    archive = zipfile.ZipFile(wheels["torch"])
    names = archive.namelist()
    assert {"weightopt_torch/__init__.py", "weightopt_torch/py.typed"} <= {*names}
    assert not [name for name in names if "test" in name]
    metadata = archive.read("weightopt_torch-0.1.0.dist-info/METADATA").decode()
    for needed in ("weightopt-core==0.1.*", "torch>=2.6", "threadpoolctl>=3", "ml-dtypes>=0.4"):
        assert f"Requires-Dist: {needed}\n" in metadata
    installed.install("--no-deps", wheels["torch"])
    try:
        # Nothing loads it before it is imported, and messages about torch's arrays name it.
        printed = installed.python(
            """
            import sys, numpy as np, weightopt_core as wo
            class Tensor:
                dtype = "torch.bfloat16"
                def __dlpack__(self, **_): raise BufferError("no bfloat16 here")
                def __dlpack_device__(self): return 1, 0
            Tensor.__module__ = "torch"
            try:
                wo.optimizer.create("sgd").update(0, Tensor(), np.ones(1), None)
            except TypeError as error:
                print(error, "weightopt_torch" in sys.modules)
            """
        )
        assert "or use weightopt-torch False" in printed
    finally:
        installed.pip("uninstall", "--yes", "weightopt-torch")


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


def test_a_rule_edited_after_it_was_compiled_never_runs_stale(spoilt):
    printed = spoilt.python(
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


def test_a_rule_without_its_compiled_module_runs_on_numpy(spoilt, listed):
    spoilt.remove_compiled("weightopt_sgd")
    assert "NumPy (not compiled)" in listed()


def test_installed_plugins_as_bytecode_alone(spoilt):
    code = """
        import sys, numpy as np, weightopt_core as mx
        for name in ("adam", "sgd"):
            optimizer = mx.optimizer.create(name, learning_rate=0.1)
            weight = np.linspace(-1, 1, 1000, dtype=np.float32)
            state = optimizer.create_state(0, weight)
            for _ in range(20):
                optimizer.update(0, weight, 2 * weight, state)
            module = sys.modules[type(optimizer).__module__]
            print(weight.tobytes().hex(), repr(optimizer.rule.compiled.reason), module.__file__)
        """
    before = [line.split() for line in spoilt.python(code).splitlines()]
    assert [line[1] for line in before] == ["''", "''"]
    for *_, path in before:
        folder = Path(path).parent
        run(spoilt.bin / "python", "-m", "compileall", "-q", "-b", folder)
        for source in folder.rglob("*.py"):
            source.unlink()
    after = [line.split() for line in spoilt.python(code).splitlines()]
    assert after == [[*line[:2], f"{line[2]}c"] for line in before]


def test_the_wheel_of_the_core_holds_what_it_needs(wheels):
    names = zipfile.ZipFile(wheels["core"]).namelist()
    for wanted in ("py.typed", "ctext/preamble.h", "scaffold/templates/pyproject.toml.in"):
        assert f"weightopt_core/{wanted}" in names
    core = ROOT / "weightopt_core"
    for path in [*core.rglob("*.pyi"), *core.glob("kernels/*.pxd")]:
        assert path.relative_to(ROOT).as_posix() in names
    assert not [name for name in names if name.startswith(("plugins", "tests", "docs"))]
    assert sys.version_info[:2] >= (3, 10)
