"""Run what a Markdown page shows: its Python blocks, and its calls of the command line."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser
from sybil.parsers.myst import PythonCodeBlockParser

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for path in (ROOT / "docs").rglob("*.md")
    if not {"_build", "generated", "gallery"} & set(path.relative_to(ROOT).parts)
)


def run_python(page):
    """Run the blocks of `page` that are Python, one after the other, in one namespace.

    A block that starts with ``>>>`` is a doctest. What the page registers stays, so that tests take
    the fixture `isolated`.
    """
    document = Sybil([PythonCodeBlockParser()]).parse(page)
    document.namespace["__name__"] = page.stem
    for example in document.examples():
        example.evaluate()


def run_console(page):
    """Assert that each command in the ``console`` blocks of `page` prints the lines below it.

    Runs of blanks count as one, and a line ``...`` stands for any number of lines.
    """
    for example in Sybil([CodeBlockParser("console", _check)]).parse(page).examples():
        example.evaluate()


def _check(example):
    for session in example.parsed.split("$ weightopt ")[1:]:
        command, *lines = session.splitlines()
        printed = iter(_words(_output(command)))
        for line in _words("\n".join(lines)):
            assert line == ["..."] or line in printed, f"{command}: does not print {line}"


def _output(command):
    with tempfile.TemporaryDirectory() as folder:  # for what a command writes
        return subprocess.run(
            [sys.executable, "-m", "weightopt_core.cli", *shlex.split(command)],
            env=os.environ | {"COLUMNS": "120"},
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout


def _words(text):
    return [words for line in text.splitlines() if (words := line.split())]
