"""The lowest and the newest versions of what pyproject.toml names, each in its own environment.

By default some tests run with every lowest version. ``make test-lowest`` and ``make test-newest``
run all that are about the core and plugins.
"""

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

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("versions")]

#: Extras that add to what the package can do; the others are for work on it.
EXTRAS = ("build", "checkpoint", "bf16", "cli", "opencl", "pocl", "array-api", "plot")
PLUGINS = ("adam", "lamb", "sgd", "uniform", "zero", "factor", "multifactor")
TOOLS = ("pytest>=8,<9.2", "hypothesis")
#: What all tests need beside these.
MORE = (
    "pytest-xdist",
    "tomli",
    "wheel",
    "scikit-learn",
    "array-api-strict",
    "threadpoolctl",
    "sybil",
)
TESTS = (
    "tests/rule/test_rule.py", "tests/rule/test_compiled_equals_numpy.py",
    "tests/optimizer/test_optimizer.py", "tests/checkpoint/test_checkpoint.py",
    "tests/random/test_rounding.py", "tests/registry/test_registry.py",
    "tests/opencl/test_opencl.py",
)  # fmt: skip
#: What is about the text of the repository, or has environments of its own.
LEFT_OUT = ("packages", "house", "docs", "benchmarks", "fuzz")

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def declared():
    """Return the lowest version of each dependency that pyproject.toml allows, by its name."""
    extras = PROJECT["project"]["optional-dependencies"]
    requirements = [*PROJECT["build-system"]["requires"], *PROJECT["project"]["dependencies"]]
    requirements += [requirement for extra in EXTRAS for requirement in extras[extra]]
    found = {}
    for requirement in requirements:
        name, _, version = re.fullmatch(r"([\w-]+)(\[\w+\])?>=([\d.]+)", requirement).groups()
        assert found.setdefault(name, version) == version, f"{name}: two bounds in pyproject.toml"
    return found


def interpreters():
    """Return every Python that is promised and found here, the lowest first."""
    first = int(PROJECT["project"]["requires-python"].removeprefix(">=3."))
    paths = [shutil.which(f"python3.{minor}") for minor in range(first, first + 20)]
    usable = [path for path in paths if path and not subprocess.call([path, "-c", ""])]
    return usable or [sys.executable]


def check(tmp_path, interpreter, requirements, plugins, *tests):
    """Build core and plugins in an environment with what is required, and run tests in it."""
    sources = copy_of_the_repository(tmp_path / "sources")
    environment = Environment(tmp_path / "environment", interpreter=interpreter)
    environment.pip("install", "--upgrade", "--only-binary", ":all:", *requirements, *TOOLS)
    folders = [sources / "plugins" / name for name in plugins]
    editable = [part for folder in folders for part in ("--editable", folder)]
    haste = in_haste(tmp_path)
    build = ("install", "--no-build-isolation", "--no-deps", "--no-compile")
    environment.pip(*build, "--editable", sources, **haste)
    environment.pip(*build, *editable, **haste)
    environment.pip("check")
    python = [environment.bin / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    printed = run(*python, *tests, cwd=sources)
    assert re.search(r"\d{3,} passed", printed)
    print(environment.pip("list"), printed)


def everything():
    """Return the names of all plugins, and the tests that are about them and the core."""
    plugins = sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml"))
    ignored = [f"--ignore=tests/{name}" for name in LEFT_OUT]
    return (
        plugins,
        "-n2",
        "--dist=loadgroup",
        "-m",
        "not slow and not soak",
        *ignored,
        "tests",
        "plugins",
    )


def lowest():
    pins = [f"{name}=={version}" for name, version in sorted(declared().items())]
    return [*pins, "pyopencl[pocl]"]


def newest():
    return [*declared(), "pyopencl[pocl]"]


def test_what_plugins_are_built_with_is_no_older():
    pins = {f"{name}>={version}" for name, version in declared().items()}
    for path in ROOT.glob("plugins/*/pyproject.toml"):
        requires = tomllib.loads(path.read_text("utf-8"))["build-system"]["requires"]
        others = [name for name in requires if not name.startswith("weightopt")]
        assert set(others) <= pins, path


def test_the_lowest_versions_work(tmp_path):
    # Tests of initializers name those that are not installed here.
    some = (PLUGINS, *TESTS, "-k", "not initializers and not everything")
    check(tmp_path, interpreters()[0], lowest(), *some)


@pytest.mark.soak
def test_all_with_the_lowest_versions(tmp_path):
    check(tmp_path, interpreters()[0], [*lowest(), *MORE], *everything())


@pytest.mark.soak
def test_all_with_the_newest_versions(tmp_path):
    check(tmp_path, interpreters()[-1], [*newest(), *MORE], *everything())
