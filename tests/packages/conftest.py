"""Wheels and environments, each made once for all tests of what users install."""

import subprocess
import sys

import pytest
from environments import Environment, clean, copy_of_the_repository, in_haste, run, write_package

#: Built by tools/dist.py; all others only for the test that needs all.
PROJECTS = ("core", "meta", "adam", "sgd", "uniform", "zero", "factor", "torch", "xavier", "cosine")
#: Those that single tests install.
LATER = ("meta", "torch", "xavier", "cosine")
#: What the wheels need beside one another, and what an author of packages needs.
TOOLS = (
    "setuptools>=77.0.1", "wheel", "cython>=3.1", "numpy>=2.0", "importlib-metadata>=6.0", "click",
    "rich", "safetensors", "ml-dtypes", "pytest", "pyopencl[pocl]>=2024.3",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    """Begin with what takes longest, so that one worker does it while others do the rest."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    return copy_of_the_repository(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="session")
def haste(tmp_path_factory):
    """Return the environment of what compiles and is not about speed."""
    return in_haste(tmp_path_factory.mktemp("haste"))


@pytest.fixture(scope="session")
def dist(sources, haste, tmp_path_factory):
    """Return a folder with the sdists and wheels that ``make dist`` builds of some projects."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, sources / "tools" / "dist.py", folder, *PROJECTS, env=haste)
    return folder


@pytest.fixture(scope="session")
def wheels(dist):
    """Return the wheels of `PROJECTS` by name."""
    named = {"core": "weightopt_core", "meta": "weightopt"}
    found = {name: dist.glob(f"{named.get(name, f'weightopt_{name}')}-*.whl") for name in PROJECTS}
    return {name: path for name, (path,) in found.items()}


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    """Return a folder with the wheels of everything that is not of this project."""
    folder = tmp_path_factory.mktemp("tools")
    pip = [sys.executable, "-m", "pip", "--quiet", "download", "--only-binary", ":all:"]
    run(*pip, "--dest", folder, *TOOLS)
    return folder


@pytest.fixture(scope="session")
def installed(wheels, tools, tmp_path_factory):
    """Return an environment with wheels of the core and some plugins, and an author's tools."""
    environment = Environment(tmp_path_factory.mktemp("installed"), tools)
    core, *plugins = (wheels[name] for name in PROJECTS if name not in LATER)
    environment.install("--upgrade", "setuptools", "wheel", "pytest")
    environment.install(f"{core}[bf16,build,checkpoint,cli,pocl]", *plugins)
    return environment


@pytest.fixture
def spoilt(installed, wheels):
    """Return that environment for a test that harms Adam and SGD in it."""
    yield installed
    installed.install("--force-reinstall", "--no-deps", wheels["adam"], wheels["sgd"])


@pytest.fixture
def third_party(installed, tmp_path):
    """Return a function that installs a package, and uninstall all of them afterwards."""
    names = []

    def install(name, text, entry_points, **options):
        names.append(name)
        installed.build(write_package(tmp_path, name, text, entry_points, **options))

    yield install
    installed.pip("uninstall", "--yes", *names)


@pytest.fixture
def listed(installed):
    """Return a function that returns the table of ``weightopt list``, apart from stderr."""
    command = [installed.bin / "weightopt", "list"]
    given = {"env": clean(), "text": True, "capture_output": True}
    return lambda: subprocess.run(command, check=True, **given).stdout
