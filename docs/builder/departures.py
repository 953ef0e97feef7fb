"""The rows of docs/departures.md that name a class."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_CELL = re.compile(r"(?<!\\)\|")


class Row(NamedTuple):
    """A departure from MXNet, its cells in reStructuredText."""

    number: int
    subject: str
    there: str
    here: str
    reason: str


def read(path: Path) -> list[Row]:
    """Return all rows of the page."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        number, *cells = [cell.strip() for cell in _CELL.split(line.strip().strip("|"))]
        if number.isdigit():
            found.append(Row(int(number), *map(restructured, cells)))
    return found


def naming(rows: list[Row], name: str) -> list[Row]:
    """Return the rows that name a class, as a word of its own."""
    word = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
    return [row for row in rows if word.search(" ".join(row[1:4]))]


def restructured(text: str) -> str:
    """Return a line of Markdown in reStructuredText; of links their text stays."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    parts = re.split(r"(`[^`]*`)", text)
    for i, part in enumerate(parts):
        parts[i] = f"`{part}`" if i % 2 else re.sub(r"([\\*|_])(?=\W|$)|\*", r"\\\g<0>", part)
    return "".join(parts)
