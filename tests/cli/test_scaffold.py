"""Shared files of plugins and bridges are what the templates make; generated lists are complete."""

import re
import sys
from pathlib import Path

import pytest

import weightopt_core
from weightopt_core import scaffold
from weightopt_core.kinds import KVSTORE
from weightopt_core.registry.published import PUBLISHED

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
BRIDGES = sorted(path.parent for path in ROOT.glob("bridges/*/pyproject.toml"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_shared_files_are_as_the_templates_make_them(folder):
    package = scaffold.read(folder)
    assert package.name == folder.name
    # A scheduler whose name another kind has too is a package by its full name.
    assert next(iter(package.entry_points)) in (folder.name, folder.name.removesuffix("scheduler"))
    assert package.version == weightopt_core.__version__
    for name, text in package.files().items():
        assert (folder / name).read_text() == text, f"{folder.name}/{name}; make sync"
    known = {*package.files(), package.module, "tests", "build", f"{package.module}.egg-info"}
    assert {path.name for path in folder.iterdir()} <= known
    assert list((folder / "tests").glob("test_*.py"))


@pytest.mark.parametrize("folder", BRIDGES, ids=lambda folder: folder.name)
def test_bridges_are_of_the_same_scaffold(folder):
    package = scaffold.read(folder)
    assert package.name == folder.name
    if package.kind == "bridge":
        # By the module of the arrays, which is not always the framework's.
        assert set(package.entry_points.values()) == {""}
    else:
        assert package.kind == KVSTORE.name
        assert package.name in package.entry_points
    assert package.version == weightopt_core.__version__
    for name, text in package.files().items():
        assert (folder / name).read_text() == text, f"{folder.name}/{name}; make sync"
    own = {"README.md", "tests", "build", f"{package.module}.egg-info"}
    assert {path.name for path in folder.iterdir()} <= {*package.files(), package.module} | own
    assert list((folder / "tests").glob("test_*.py"))
    assert (folder / package.module / "py.typed").exists()
    readme = (folder / "README.md").read_text()
    assert readme.startswith(f"# {package.distribution}\n")
    assert f"pip install {package.distribution}" in readme


def test_pages_name_the_bridges():
    for page in ("README.md", "meta/README.md", "CHANGELOG.md"):
        text = (ROOT / page).read_text()
        for folder in BRIDGES:
            assert f"weightopt-{folder.name}" in text, page


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_package_is_compiled_if_it_has_rules(folder):
    text = (folder / f"weightopt_{folder.name}" / "__init__.py").read_text()
    assert scaffold.read(folder).compiled == ("@update_rule" in text)
    assert len(text.splitlines()) < 200


def test_the_install_hints_are_complete():
    packages = [scaffold.read(folder) for folder in FOLDERS + BRIDGES]
    for kind, group in (scaffold.GROUPS | {KVSTORE.name: KVSTORE.group}).items():
        names = {
            name: package.distribution
            for package in packages
            if package.kind == kind
            for name in package.entry_points
        }
        assert PUBLISHED[group] == names


def test_the_meta_package_depends_on_every_plugin():
    text = (ROOT / "meta" / "pyproject.toml").read_text()
    version = weightopt_core.__version__
    assert f'\nversion = "{version}"\n' in text
    named = re.findall(r'^    "(weightopt-\w+)==(.*)",$', text, re.M)
    assert named == [(scaffold.read(folder).distribution, version) for folder in FOLDERS]
    assert f'"weightopt-core[bf16,checkpoint,cli]=={version}"' in text


def test_versions_agree():
    text = (ROOT / "pyproject.toml").read_text()
    assert re.search(r'^version = "(.*)"', text, re.M)[1] == weightopt_core.__version__
    assert sys.version_info >= (3, 10)
