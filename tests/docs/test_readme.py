"""The README: its code runs, its table is that of plugins/, its console output is real."""

import importlib.util
import re

import pytest
from pages import ROOT, run_console, run_python

README = ROOT / "README.md"


@pytest.mark.usefixtures("isolated")
def test_python():
    run_python(README)


def test_console():
    run_console(README)


def test_table_of_algorithms(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    spec = importlib.util.spec_from_file_location("sync", ROOT / "tools" / "sync_plugins.py")
    sync = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sync)
    assert sync.readme() == README.read_text("utf-8"), "run make sync"


def test_links_lead_to_the_repository_where_that_is_known(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    from readme import linked

    text = README.read_text("utf-8")
    assert linked(text, None, "1.0") == text
    there = linked(text, "https://example.org/us/weightopt/", "1.0")
    assert "](https://example.org/us/weightopt/blob/v1.0/docs/guide.md)" in there
    assert 'src="https://example.org/us/weightopt/raw/v1.0/docs/images/digits.png"' in there
    assert not re.search(r'\]\((?!https?:|#)|src="(?!https:)', there)
    later = linked(there, "https://example.org/us/weightopt", "1.1")
    assert later == linked(text, "https://example.org/us/weightopt", "1.1")


def test_only_the_page_for_people_from_mxnet_says_mx():
    """Whoever never used MXNet would wonder what `mx` stands for."""
    folders = ("docs", "examples", "weightopt_core", "plugins", "meta", "benchmarks")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.*")]
    kinds = {".py", ".md", ".in", ".pyx"}
    paths = [README, ROOT / "CONTRIBUTING.md", *[path for path in found if path.suffix in kinds]]
    for path in paths:
        text = path.read_text("utf-8")
        of_mxnet = path.name == "mxnet.md" or "import mxnet" in text or "tests" in path.parts
        generated = {"build", "_build", "generated"} & set(path.parts)
        for line in [] if of_mxnet or generated else text.splitlines():
            if re.search(r"\bmx\b", line):
                assert re.search(r"mx\.nd|as mx`|`mx\.optimizer`", line), f"{path.name}: {line}"
