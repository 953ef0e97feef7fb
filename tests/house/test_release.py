"""What is released: one version everywhere, and every package once, behind what it needs."""

import re
import sys
from pathlib import Path

import pytest

import weightopt_core

ROOT = Path(__file__).parents[2]
VERSION = weightopt_core.__version__


@pytest.fixture
def release(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    monkeypatch.delitem(sys.modules, "projects", raising=False)
    monkeypatch.delitem(sys.modules, "release", raising=False)
    import release

    return release


@pytest.fixture
def elsewhere(release, monkeypatch, tmp_path):
    """Return a folder with what `release` reads, to change."""
    paths = [*ROOT.glob("plugins/a*/pyproject.toml"), *ROOT.glob("bridges/*/pyproject.toml")]
    names = ["pyproject.toml", "meta/pyproject.toml", "CITATION.cff", "CHANGELOG.md"]
    for path in [*paths, *(ROOT / name for name in names)]:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path.read_text("utf-8"), "utf-8")
    urls = '[project.urls]\nRepository = "https://example.org"\n\n[tool.setuptools]\n'
    edit(tmp_path / "pyproject.toml", "[tool.setuptools]\n", urls)
    monkeypatch.setattr(release.projects, "ROOT", tmp_path)
    return tmp_path


def test_there_is_one_version(release):
    assert release.wrong() == []
    assert release.version() == VERSION


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("plugins/adam/pyproject.toml", "adam: expected version {}, got 9.9.9; run make sync"),
        ("bridges/torch/pyproject.toml", "torch: expected version {}, got 9.9.9; run make sync"),
        ("CITATION.cff", "CITATION.cff: expected version {}, got 9.9.9"),
        ("CHANGELOG.md", "CHANGELOG.md: expected {} first, got 9.9.9"),
    ],
)
def test_another_version_is_named(name, said, release, elsewhere):
    edit(elsewhere / name, VERSION, "9.9.9")
    assert release.wrong() == [said.format(VERSION)]


def test_a_tag_is_that_of_the_version(release, elsewhere):
    edit(elsewhere / "CHANGELOG.md", f"## [{VERSION}] - ", f"## [{VERSION}] - 2026-01-02\n\n")
    assert release.wrong(f"v{VERSION}") == []
    assert release.wrong(VERSION) == [f"tag: expected v{VERSION}, got {VERSION}"]
    assert release.wrong("v9.9.9") == [f"tag: expected v{VERSION}, got v9.9.9"]


def test_what_is_tagged_has_a_date(release, elsewhere):
    text = (elsewhere / "CHANGELOG.md").read_text("utf-8")
    (elsewhere / "CHANGELOG.md").write_text(
        re.sub(r"(?m)^(## \[.*?\] - ).*$", r"\1unreleased", text)
    )
    assert release.wrong() == []
    assert release.wrong(f"v{VERSION}") == [
        f"CHANGELOG.md: expected the date of {VERSION}, got 'unreleased'"
    ]


def test_what_is_tagged_says_where_its_links_lead(release, elsewhere):
    edit(elsewhere / "CHANGELOG.md", f"## [{VERSION}] - ", f"## [{VERSION}] - 2026-01-02\n\n")
    edit(elsewhere / "pyproject.toml", "Repository", "Homepage")
    (said,) = release.wrong(f"v{VERSION}")
    assert said.startswith("pyproject.toml: expected Repository in [project.urls], got none; ")


def test_what_others_need_comes_first(release):
    names = release.projects.in_order()
    assert len(names) == len(set(names)) == len(release.projects.folders())
    assert names[0] == "weightopt-core"
    assert names[-1] == "weightopt"


def test_portions_are_all_of_it(release):
    whole, *parts = release.portions().values()
    assert whole == [name for part in parts for name in part] == release.projects.in_order()
    assert all(1 <= len(part) <= 3 for part in parts)


@pytest.mark.parametrize("number", ["0", "1000", "-1", "x", "", "1 2"])
def test_no_such_portion(number, release, tmp_path):
    with pytest.raises(SystemExit, match=r"portion: expected all, or 1 to \d+, got '"):
        release.stage(number, tmp_path)


def made(folder, *names):
    for name in names:
        for end in (".tar.gz", "-py3-none-any.whl"):
            (folder / f"{name.replace('-', '_')}-{VERSION}{end}").write_text(name)


def test_a_portion_is_staged(release, tmp_path):
    made(tmp_path, *release.projects.in_order())
    (tmp_path / "stage").mkdir()
    made(tmp_path / "stage", "weightopt-earlier")
    for name in release.projects.in_order()[:3]:
        extra = f"{name.replace('-', '_')}-{VERSION}-cp310-abi3-win_amd64.whl"
        (tmp_path / extra).write_text("")
    staged = release.stage("1", tmp_path)
    assert len(staged) == 9
    assert {path.name for path in (tmp_path / "stage").iterdir()} == {path.name for path in staged}
    assert {path.name.split("-")[0].replace("_", "-") for path in staged} == {
        *release.portions()["1"]
    }
    assert len(release.stage("all", tmp_path)) == 2 * len(release.projects.in_order()) + 3


def test_what_is_not_there_is_not_staged(release, tmp_path):
    with pytest.raises(
        SystemExit, match=r"weightopt-core: expected an sdist and wheels in .*nothing"
    ):
        release.stage("1", tmp_path)
    made(tmp_path, *release.portions()["1"])
    (tmp_path / f"weightopt_core-{VERSION}-py3-none-any.whl").unlink()
    with pytest.raises(SystemExit, match=rf"got weightopt_core-{VERSION}\.tar\.gz"):
        release.stage("1", tmp_path)
