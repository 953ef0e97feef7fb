"""The lowest versions that pyproject.toml declares, in an environment with nothing newer."""

import re
import shutil
import subprocess
import sys

import pytest
from environments import ROOT, Environment, copy_of_the_repository, in_haste, run

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lowest")]

#: Extras that add to what the package can do; the others are for work on it.
EXTRAS = ("build", "checkpoint", "bf16", "cli", "opencl")
PLUGINS = ("adam", "lamb", "sgd", "uniform", "zero", "factor", "multifactor")
TOOLS = ("pytest>=8,<9.2", "hypothesis", "pyopencl[pocl]")
TESTS = (
    "tests/rule/test_rule.py", "tests/rule/test_compiled_equals_numpy.py",
    "tests/optimizer/test_optimizer.py", "tests/checkpoint/test_checkpoint.py",
    "tests/random/test_rounding.py", "tests/registry/test_registry.py",
    "tests/opencl/test_opencl.py",
)  # fmt: skip


def lowest():
    """Return a pin for each dependency: the lowest version that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    declared = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    declared += [requirement for extra in EXTRAS for requirement in extras[extra]]
    pins = {}
    for requirement in declared:
        name, version = re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement).groups()
        assert pins.setdefault(name, version) == version, f"{name}: two bounds in pyproject.toml"
    return [f"{name}=={version}" for name, version in sorted(pins.items())]


def lowest_python():
    """Return the interpreter of the lowest version that is declared, or this one without it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = shutil.which(f"python{project['requires-python'].removeprefix('>=')}")
    usable = found and subprocess.run([found, "-c", ""], check=False).returncode == 0
    return found if usable else sys.executable


def test_what_plugins_are_built_with_is_no_older():
    pins = [pin.replace("==", ">=") for pin in lowest()]
    for path in ROOT.glob("plugins/*/pyproject.toml"):
        requires = tomllib.loads(path.read_text("utf-8"))["build-system"]["requires"]
        others = [name for name in requires if not name.startswith("weightopt")]
        assert set(others) <= set(pins), path


def test_the_lowest_versions_work(tmp_path):
    sources = copy_of_the_repository(tmp_path / "sources")
    environment = Environment(tmp_path / "lowest", interpreter=lowest_python())
    environment.pip("install", "--only-binary", ":all:", *lowest(), *TOOLS)
    editable = [part for name in PLUGINS for part in ("--editable", sources / "plugins" / name)]
    haste = in_haste(tmp_path)
    build = ("install", "--no-build-isolation", "--no-deps", "--no-compile")
    environment.pip(*build, "--editable", sources, **haste)
    environment.pip(*build, *editable, **haste)
    environment.pip("check")
    python = [environment.bin / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # Tests of initializers name those that are not installed here.
    printed = run(*python, *TESTS, "-k", "not initializers and not everything", cwd=sources)
    assert re.search(r"\d{3,} passed", printed)
