"""What ``weightopt new`` writes; packages/test_third_party.py installs it."""

import datetime
import importlib

import pytest
from click.testing import CliRunner

from weightopt_core.cli import main
from weightopt_core.scaffold import Package, read

try:
    import tomllib
except ImportError:
    tomllib = importlib.import_module("tomli")


@pytest.fixture
def new(tmp_path):
    def run(*words):
        done = CliRunner().invoke(main, ["new", "optimizer", "Mine", "--folder", tmp_path, *words])
        root = tmp_path / "weightopt-mine"
        path = root / "pyproject.toml"
        return (
            done,
            root,
            tomllib.loads(path.read_text("utf-8"))["project"] if root.exists() else {},
        )

    return run


def test_a_licence_and_an_author_only_if_they_are_asked_for(new):
    done, root, project = new()
    assert done.exit_code == 0
    assert not {"license", "license-files", "authors", "classifiers"} & set(project)
    assert not (root / "LICENSE").exists()
    assert "note: it says nothing of a licence" in done.output
    files = [path for path in root.rglob("*") if path.is_file()]
    assert not [path for path in files if "Apache" in path.read_text("utf-8")]


@pytest.mark.parametrize(
    ("author", "entry"),
    [
        ("Ada", {"name": "Ada"}),
        ("Ada Lovelace <ada@example.org>", {"name": "Ada Lovelace", "email": "ada@example.org"}),
        ('Łukasz "Ł" O\'Neil, \\ Inc.', {"name": 'Łukasz "Ł" O\'Neil, \\ Inc.'}),
    ],
)
def test_mit_comes_with_its_text(new, author, entry):
    done, root, project = new("--license", "mit", "--author", author)
    assert done.exit_code == 0, done.output
    assert project["license"] == "MIT"
    assert project["authors"] == [entry]
    text = (root / "LICENSE").read_text("utf-8")
    assert f"Copyright (c) {datetime.date.today().year} {entry['name']}\n" in text
    assert "LICENSE" in done.output
    assert read(root).license == "MIT"


@pytest.mark.parametrize("words", [["--license", "Apache-2.0 OR MIT"], ["--license", "MIT"]])
def test_otherwise_the_text_is_the_authors_to_add(new, words):
    done, root, project = new(*words)
    assert project["license"] == words[1]
    assert not (root / "LICENSE").exists()
    assert f"next: write the text of {words[1]} to " in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--license", "free"], "license: expected an SPDX expression, such as MIT or"),
        (["--license", 'MIT"\nx = "'], "license: expected an SPDX expression, such as MIT or"),
        (["--author", "<ada@example.org>"], "author: expected a name, or a name <with@an.address>"),
        (["--author", "Ada <ada>"], "author: expected a name, or a name <with@an.address>"),
        (["--author", "Ada\n[project]"], "author: expected a name, or a name <with@an.address>"),
    ],
)
def test_what_would_be_no_valid_metadata_is_refused(new, words, message):
    done, root, _ = new(*words)
    assert done.exit_code == 1
    assert message in done.output
    assert not root.exists()


def test_the_rest_is_the_same_with_and_without():
    given = {
        "name": "mine",
        "kind": "optimizer",
        "description": "",
        "entry_points": {"mine": "Mine"},
    }
    said = Package(**given, license="MIT", author="Ada").files()["pyproject.toml"].splitlines()
    unsaid = Package(**given).files()["pyproject.toml"].splitlines()
    assert [line for line in said if line not in unsaid] == [
        'license = "MIT"',
        'authors = [{ name = "Ada" }]',
    ]
