"""The page of one algorithm."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from weightopt_core.backends.interface import STATE_DTYPES
from weightopt_core.cli.facts import facts, rules, state_bytes
from weightopt_core.hyperparameters import REQUIRED
from weightopt_core.optimizer import Optimizer

from .catalogue import Entry
from .departures import Row, naming
from .kin import kin_of
from .programs import programs
from .rst import block, image, inline, table, title

#: By heading of the table of memory: dtype of the weight, and settings.
MEMORY: dict[str, tuple[str, dict[str, Any]]] = {
    "float32": ("float32", {}),
    "float64": ("float64", {}),
    "float16 or bfloat16": ("float16", {}),
    "the same with ``multi_precision``": ("float16", {"multi_precision": True}),
    **{
        f'float32, ``state_dtype="{kind}"``': ("float32", {"state_dtype": kind})
        for kind in STATE_DTYPES
    },
}


def page(entry: Entry, pages: Mapping[str, str], panels: Mapping[str, str], rows: list[Row]) -> str:
    """Return the page of a class.

    Parameters
    ----------
    entry : Entry
        The class.
    pages : mapping of str to str
        The page of each installed class, by the class's name.
    panels : mapping of str to str
        What its pictures show, by their names.
    rows : list of Row
        All departures from MXNet.
    """
    cls = entry.cls
    parts = [
        title(cls.__name__),
        _head(entry),
        _kin(entry, pages),
        _pictures(entry, panels),
        f".. autoclass:: {cls.__module__}.{cls.__name__}\n\n",
        _hyperparameters(cls),
        _memory(cls) if issubclass(cls, Optimizer) else "",
        _programs(cls),
        _departures(naming(rows, cls.__name__)),
    ]
    return "".join(parts)


def _head(entry: Entry) -> str:
    known = facts(entry.cls)
    name = " or ".join(inline(name) for name in sorted(entry.names))
    lines = [f"The {entry.registry.kind} {name} of the package {inline(entry.package)}."]
    if known.paper:
        lines.append(f"Published {'in ' + known.year if known.year else 'here'}: {known.paper}.")
    return " ".join(lines) + "\n\n"


def _kin(entry: Entry, pages: Mapping[str, str]) -> str:
    lines = []
    for name, difference in kin_of(entry.cls):
        link = f":doc:`{name} <{pages[name]}>`" if name in pages else name
        lines.append(f"- {link}: {difference}")
    return block("admonition:: Kin", "\n".join(lines), "class: kin") if lines else ""


def _pictures(entry: Entry, panels: Mapping[str, str]) -> str:
    shown = [
        image(f"{entry.page}-{panel}", f"{what}: {entry.cls.__name__}")
        for panel, what in panels.items()
    ]
    return block("container:: panels", "".join(shown)) if shown else ""


def _hyperparameters(cls: Any) -> str:
    if not cls.hyperparameters:
        return ""
    rows = []
    for name, declared in cls.hyperparameters.items():
        default = "required" if declared.default is REQUIRED else inline(repr(declared.default))
        rows.append((inline(name), default, str(declared.description)))
    return title("Hyperparameters", "-") + table(("name", "default", "range"), rows)


def _memory(cls: Any) -> str:
    rows = []
    for heading, (dtype, given) in MEMORY.items():
        size = state_bytes(cls, dtype, **given)
        if size:
            rows.append((heading, size))
    if not rows:
        return ""
    text = "Bytes of state for each weight, measured on a matrix of 64 by 64.\n\n"
    return title("Memory", "-") + text + table(("weights", "bytes a weight"), rows)


def _programs(cls: Any) -> str:
    own = rules(cls)
    text = title("Rules" if len(own) > 1 else "Rule", "-") if own else ""
    for rule in own:
        states = ", ".join(map(inline, rule.states)) or "none"
        text += title(rule.name, "~") if len(own) > 1 else ""
        text += f"States of {inline(rule.name)}: {states}. The same source runs on NumPy, and is "
        text += "what the programs below are made from; :doc:`rules <../rules>` says how.\n\n"
        text += programs(rule)
    return text


def _departures(rows: list[Row]) -> str:
    if not rows:
        return ""
    text = "Rows of :doc:`all departures <../departures>` that name it.\n\n"
    cells = [(str(row.number), *itertools.islice(row, 1, None)) for row in rows]
    header = ("row", "subject", "MXNet 0.11", "here", "reason")
    return title("Where it departs from MXNet", "-") + text + table(header, cells)
