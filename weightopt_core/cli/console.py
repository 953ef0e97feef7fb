"""What the commands print: whole, as it was written, on any terminal and into any pipe."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

#: Wider than any line, so that nothing is cut or folded where no terminal has an edge.
_ENDLESS = 1_000_000


def prepare() -> None:
    """Let standard output escape what its encoding lacks, rather than fail."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="backslashreplace")


def printable(character: str) -> bool:
    """Whether standard output has a character."""
    try:
        character.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def table(*headers: str, **options: Any) -> Table:
    """Return an empty table that folds what is too long for a terminal; it cuts nothing."""
    made = Table(box=None, pad_edge=False, **options)
    for header in headers:
        made.add_column(header, overflow="fold")
    return made


def tell(*parts: Any) -> None:
    """Print text and tables one after the other; in them, brackets are brackets."""
    if sys.stdout is None:  # closed, as by >&- in a shell
        return
    is_terminal = sys.stdout.isatty()
    console = Console(
        force_terminal=is_terminal,
        width=None if is_terminal else _ENDLESS,
        markup=False,
        emoji=False,
        highlight=False,
    )
    with console.capture() as capture:
        for part in parts:
            console.print(part, soft_wrap=not isinstance(part, Table))
    # click.echo would write UTF-8 where the stream has another encoding.
    print("\n".join(line.rstrip() for line in capture.get().splitlines()), flush=True)


def progress() -> Progress:
    """Return a bar on standard error, where that is a terminal."""
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not sys.stderr.isatty())


def figure(width: float, height: float) -> Any:
    """Return an empty figure of that many inches; matplotlib, which draws it, is an extra."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('drawing needs matplotlib; pip install "weightopt-core[plot]"') from error
    return Figure(figsize=(width, height), layout="constrained")
