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


def test_table_of_algorithms():
    spec = importlib.util.spec_from_file_location("sync", ROOT / "tools" / "sync_plugins.py")
    sync = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sync)
    assert sync.readme() == README.read_text("utf-8"), "run make sync"


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
