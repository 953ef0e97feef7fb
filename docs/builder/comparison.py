"""The page on which all optimizers are beside one another."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from weightopt_core.backends.interface import STATE_DTYPES
from weightopt_core.cli.facts import facts, rules, state_bytes
from weightopt_core.dtypes import STORAGE, dtype_of
from weightopt_core.optimizer import Optimizer, Wrapper
from weightopt_core.testing.subject import Subject

from .catalogue import Entry
from .pictures import characters, each, numbers, optimizers, style, together
from .pictures.cache import key_of, measured, stored
from .pictures.style import THEMES
from .rst import block, image, table, title

#: Of docs/benchmarks.json: which runs the speed is taken from.
WORKLOAD, THREADS = "1e7", 2
DIGITS = """\
A network of one hidden layer learns scikit-learn's 8 by 8 digits, for {epochs} epochs. Each
optimizer has the best of the learning rates {rates} after {tried} epochs, and its defaults
otherwise. The number beside a name is that rate; the lowest loss at the end comes first.
``weightopt compare adam lion --tune`` does much the same.
"""
CHARS = """\
An LSTM of {hidden} units learns to guess the next character of Python's help texts, as in
``examples/chars.py``, for {updates} updates; the rate is the best of {rates} after {tried}.
"""
NOTES = """\
Both are small problems, one seed, and a coarse search: they show what is usual for an
optimizer, not which one is best. Those that hold another hold SGD with momentum 0.9. Those for
matrices alone leave vectors to AdamW at the same rate. SGLD draws weights and does not settle.
``Test``, which adds gradients, is left out.
"""
TABLE = """\
Bytes of state for each weight in float32, and with ``state_dtype="bfloat16"`` and ``"int8"`` where
that is possible. *Rule* means that NumPy, C, OpenCL, torch and JAX run the same source; *host* that
it computes with whole NumPy arrays. The speed is the time in which the memory could have been read
and written, over the time of a step, for ten million weights on two threads: 1 is the limit.
:doc:`Benchmarks <../benchmarks>` says how it was measured.
"""


def page(entries: list[Entry], root: Path, target: Path, cache: Path) -> str:
    """Write the figures into the folder `target`, and return the page."""
    classes = [entry.cls for entry in entries]
    shown = [e for e in entries if issubclass(e.cls, Optimizer) and _learns(e.cls)]
    shown = [e for e in shown if e.cls.__base__ not in classes]  # another name of the same
    names = [entry.cls.__name__ for entry in shown]
    curves = {
        what: dict(zip(names, each(partial(_curve, what, cache), shown), strict=True))
        for what in ("digits", "characters")
    }
    for what, step, axes in (
        ("digits", 1, {"yscale": "log", "ylim": (5e-4, 4)}),
        ("characters", characters.SMOOTH, {"ylim": (1.7, 4.7)}),
    ):
        key = key_of([together, style], json.dumps([curves[what], step, axes]))
        for theme, colours in THEMES.items():
            name = f"all-{what}-{theme}.svg"
            draw = partial(together.figure, curves[what], step, colours, **axes)
            (target / name).write_text(stored(cache, name, key, draw), "utf-8")
    return "".join(
        [
            title("Optimizers compared"),
            title("Digits", "-"),
            DIGITS.format(
                epochs=optimizers.EPOCHS, tried=optimizers.TRIED, rates=_listed(optimizers.RATES)
            ),
            _figure("all-digits", "The loss on digits by epoch, of each optimizer"),
            title("Characters", "-"),
            CHARS.format(
                hidden=characters.HIDDEN,
                updates=characters.UPDATES,
                tried=characters.TRIED,
                rates=_listed(characters.RATES),
            ),
            _figure("all-characters", "The loss on characters by update, of each optimizer"),
            title("How to read them", "-"),
            NOTES,
            "\n" + title("Memory, dtypes, backends, speed", "-") + TABLE + "\n",
            _table([e for e in entries if issubclass(e.cls, Optimizer)], root),
        ]
    )


def _learns(cls: Any) -> bool:
    return not any("adds" in why for why in cls.conformance.expected_failures.values())


def _listed(rates: Any) -> str:
    return f"{rates[0]:g} to {rates[-1]:g}"


def _figure(name: str, alt: str) -> str:
    return "\n" + block("container:: wide", image(name, alt))


def _curve(what: str, cache: Path, cls: Any, page: str) -> Any:
    if what == "digits":
        return numbers(cache, cls, page)[0]["digits"]
    key = key_of([cls.__module__, characters, optimizers], characters.EXAMPLE.read_text("utf-8"))
    return measured(cache, f"{page}-characters", key, lambda: characters.learn(cls))


def _table(entries: list[Entry], root: Path) -> str:
    speeds = _speeds(root / "docs" / "benchmarks.json")
    rows = []
    for entry in entries:
        cls, known = entry.cls, facts(entry.cls)
        rows.append(
            (
                f":doc:`{cls.__name__} <{entry.page}>`",
                known.state,
                *(state_bytes(cls, state_dtype=kind) for kind in STATE_DTYPES),
                ", ".join(_dtypes(cls)),
                _backends(cls),
                known.needs,
                speeds.get(entry.names[0], ""),
            )
        )
    header = (
        "name",
        "state",
        *(f"in {kind}" for kind in STATE_DTYPES),
        "dtypes",
        "runs on",
        "needs",
        "speed",
    )
    return table(header, rows)


def _dtypes(cls: Any) -> list[str]:
    """Return the dtypes in which a weight can be stepped on the host."""
    found = []
    for dtype in STORAGE:
        weight = np.ones((4, 4), dtype_of(dtype))
        made = Subject(cls).create()
        try:
            made.update(0, weight, weight.copy(), made.create_state(0, weight))
        except (TypeError, ValueError):
            continue
        found.append(dtype)
    return found


def _backends(cls: Any) -> str:
    if issubclass(cls, Wrapper):
        return "what it holds runs on"
    if cls.conformance.host_only:
        return "host"
    compiled = [rule.compiled.reason for rule in rules(cls)]
    return "NumPy, C, OpenCL, torch, JAX" if compiled and not any(compiled) else "NumPy"


def _speeds(path: Path) -> dict[str, str]:
    found = {}
    for step in json.loads(path.read_text("utf-8"))["steps"]:
        chosen = step["workload"], step["threads"], step["dtype"]
        if chosen == (WORKLOAD, THREADS, "float32") and "limit" in step["times"]:
            found[step["algorithm"]] = f"{step['times']['limit']['ratio'][1]:.2f}"
    return found
