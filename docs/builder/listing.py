"""The pages that list: all algorithms, and the public names of the core."""

from __future__ import annotations

import pkgutil
from itertools import groupby
from types import ModuleType

from weightopt_core.cli.facts import facts

from .catalogue import Entry
from .rst import block, inline, table, title

#: Modules of the core that nobody outside it imports.
INTERNAL = {"backends", "cli", "compiler", "ctext", "engine", "kernels", "keys", "kinds"}


def modules(package: ModuleType) -> list[str]:
    """Return the core's public modules, itself first."""
    found = [module.name for module in pkgutil.iter_modules(package.__path__)]
    public = [name for name in found if name not in INTERNAL and name[0] != "_"]
    return [package.__name__, *(f"{package.__name__}.{name}" for name in public)]


def core(package: ModuleType) -> str:
    """Return the page of the core's public names and modules."""
    names = ", ".join(inline(f"wo.{name}") for name in package.__all__)
    text = title("The core") + f"``import weightopt_core as wo`` gives {names}. "
    text += "They come from these modules:\n\n"
    return text + block("autosummary::", "\n".join(modules(package)[1:]), "toctree: core")


def algorithms(entries: list[Entry]) -> str:
    """Return the page of all algorithms, in a table for each kind."""
    text = title("All algorithms")
    text += "Every algorithm that is installed, with what the command ``weightopt list --long`` "
    text += "says. :doc:`The comparison <comparison>` shows optimizers beside one another.\n\n"
    for kind, group in groupby(entries, lambda entry: entry.registry.kind):
        of_kind = list(group)
        text += title(f"{kind}s".capitalize(), "-")
        rows = [_row(entry) for entry in of_kind]
        header = ["name", "description", "state", "needs", "paper"]
        if not any(row[2] for row in rows):
            header, rows = header[:2] + header[4:], [row[:2] + row[4:] for row in rows]
        text += table(header, rows)
        pages = "\n".join(entry.page for entry in of_kind)
        text += block("toctree::", pages, "hidden:", f"caption: {kind}s".capitalize())
    return text


def _row(entry: Entry) -> tuple[str, ...]:
    known = facts(entry.cls)
    paper = f"`{known.year or 'paper'} <{known.paper}>`__" if known.paper else known.year
    link = f":doc:`{entry.cls.__name__} <{entry.page}>`"
    return link, entry.description, known.state, known.needs, paper
