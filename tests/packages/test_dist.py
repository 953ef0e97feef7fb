"""What ``make dist`` makes: sdists that build anywhere, wheels that install everything."""

import re
import sys
import tarfile
import zipfile

import pytest
from environments import Environment, run

from weightopt_core.registry.published import PUBLISHED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]


def metadata(wheel):
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith("dist-info/METADATA"))
    return archive.read(name).decode()


def test_there_is_an_sdist_and_a_wheel_of_each(dist, wheels):
    assert len(list(dist.iterdir())) == 2 * len(wheels)
    for wheel in wheels.values():
        name, version = wheel.name.split("-")[:2]
        (sdist,) = dist.glob(f"{name}-{version}.tar.gz")
        with tarfile.open(sdist) as archive:
            names = archive.getnames()
        assert f"{name}-{version}/pyproject.toml" in names
        # What a compiler made here is of no use elsewhere, and hides the source from Cython.
        assert not [name for name in names if name.endswith((".so", ".pyd", "_rules.c"))]


@pytest.mark.skipif(sys.platform != "linux", reason="auditwheel is for Linux")
def test_compiled_wheels_have_the_tag_of_a_platform(wheels):
    for name in ("core", "adam"):
        assert re.search(r"-(many|musl)linux", wheels[name].name)


def test_a_wheel_built_from_its_sdist_in_isolation(dist, tools, tmp_path):
    """Of this project such a build needs the core alone, and takes it from where pip looks."""
    environment = Environment(tmp_path / "env", dist, tools)
    (sdist,) = dist.glob("weightopt_adam-*.tar.gz")
    links = environment.sources
    environment.pip("wheel", "--no-deps", "--no-cache-dir", *links, "-w", tmp_path, sdist)
    (wheel,) = tmp_path.glob("*.whl")
    assert "-cp310-abi3-" in wheel.name
    environment.install(wheel)
    printed = environment.python(
        """
        import weightopt_core as mx
        from importlib.metadata import distributions
        print(mx.optimizer.create("adam"), mx.optimizer.Adam.rule.compiled.kernel is not None)
        print(*sorted(found.name for found in distributions()))
        """
    )
    made, present = printed.splitlines()
    assert made == "Adam() True"
    ours = {name for name in present.split() if name.startswith("weightopt")}
    assert ours == {"weightopt-adam", "weightopt-core"}
    assert "Cython" not in present


@pytest.fixture(scope="session")
def everything(sources, dist, haste, tmp_path_factory):
    """Return a folder with the wheels of all plugins."""
    folder = tmp_path_factory.mktemp("everything")
    done = {path.name.split("-")[0] for path in dist.glob("*.whl")}
    plugins = sorted(path.parent for path in sources.glob("plugins/*/pyproject.toml"))
    missing = [plugin.name for plugin in plugins if f"weightopt_{plugin.name}" not in done]
    build = sources / "tools" / "build_plugins.py"
    run(sys.executable, build, "--wheels", folder, *missing, env=haste)
    return folder


def test_the_meta_package_installs_every_algorithm(everything, dist, tools, tmp_path):
    environment = Environment(tmp_path / "env", everything, dist, tools)
    environment.install("weightopt")
    listed = environment.weightopt("list").splitlines()[1:]
    names = {tuple(line.split()[:3]) for line in listed}
    kinds = {
        "optimizer": "weightopt.optimizers",
        "initializer": "weightopt.initializers",
        "scheduler": "weightopt.lr_schedulers",
    }
    published = {
        (name, kind, package)
        for kind, group in kinds.items()
        for name, package in PUBLISHED[group].items()
    }
    assert names == published | {("local", "kvstore", "weightopt-core")}
    assert not [line for line in listed if "broken" in line or "not compiled" in line]
    printed = environment.python(
        """
        import weightopt as mx
        from weightopt_core.testing.subject import REGISTRIES, Subject
        for registry in REGISTRIES:
            for name in registry.names():
                given = Subject(registry.find(name)).arguments
                print(name, registry.kind, type(registry.create(name, **given)).__name__)
        """
    )
    made = {tuple(line.split()[:2]) for line in printed.splitlines()}
    assert made == {found[:2] for found in published}
