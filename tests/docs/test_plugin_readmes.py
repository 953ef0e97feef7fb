"""The README of each plugin: made from the template, with an example that runs."""

import re
from pathlib import Path

import pytest

from weightopt_core import scaffold

FOLDERS = sorted(path.parent for path in Path(__file__).parents[2].glob("plugins/*/README.md"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_example_runs(folder):
    (example,) = re.findall("```python\n(.*?)```", (folder / "README.md").read_text("utf-8"), re.S)
    package = scaffold.read(folder)
    found = {}
    exec(example, found)
    assert type(found[package.kind]).__name__ in package.entry_points.values()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_reading_a_package_and_writing_it_changes_nothing(folder):
    assert scaffold.read(folder).files()["README.md"] == (folder / "README.md").read_text("utf-8")


def test_arguments_survive_reading(tmp_path):
    package = scaffold.Package(
        "mine", "initializer", "Weights of mine", {"mine": "Mine"}, arguments='a=(1, "b")'
    )
    for name, text in package.files().items():
        (tmp_path / name).write_text(text, "utf-8")
    assert scaffold.read(tmp_path) == package
