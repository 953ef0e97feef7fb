"""The README: its code runs, its table is that of plugins/, its console output is real."""

import importlib.util

from pages import ROOT, run_console, run_python

README = ROOT / "README.md"


def test_python(monkeypatch):
    run_python(README, monkeypatch)


def test_console():
    run_console(README)


def test_table_of_algorithms():
    spec = importlib.util.spec_from_file_location("sync", ROOT / "tools" / "sync_plugins.py")
    sync = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sync)
    assert sync.readme() == README.read_text("utf-8"), "run make sync"
