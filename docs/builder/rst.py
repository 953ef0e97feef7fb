"""Pieces of reStructuredText."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence


def title(text: str, line: str = "=") -> str:
    """Return `text` as a heading."""
    return f"{text}\n{line * len(text)}\n\n"


def block(directive: str, text: str, *options: str) -> str:
    """Return a directive with options and a body."""
    head = "".join(f"   :{option}\n" for option in options)
    return f".. {directive}\n{head}\n{textwrap.indent(text.rstrip(), '   ')}\n\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *options: str) -> str:
    """Return a table; it scrolls inside itself where the page is narrow."""
    lines = ["   * - " + "\n     - ".join(row) for row in [header, *rows]]
    head = "".join(f"   :{option}\n" for option in ("header-rows: 1", *options))
    return f".. list-table::\n{head}\n" + "\n".join(lines) + "\n\n"


def folded(summary: str, text: str, opened: bool = False) -> str:
    """Return `text` behind a line that unfolds it."""
    tag = "<details open>" if opened else "<details>"
    begin = block("raw:: html", f"{tag}<summary>{summary}</summary>")
    return f"{begin}{text.rstrip()}\n\n{block('raw:: html', '</details>')}"


def image(name: str, alt: str) -> str:
    """Return a picture that has one file for light pages and one for dark pages."""
    return "".join(
        block(f"image:: pictures/{name}-{theme}.svg", "", f"alt: {alt}", f"class: only-{theme}")
        for theme in ("light", "dark")
    )


def inline(text: object) -> str:
    """Return `text` as code within a line."""
    return f"``{text}``"
