"""What the command ``weightopt show`` says of a class; whatever its author left out is left out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from ..registry import Registry
from ..rule import Rule
from .console import table
from .facts import rules


def describe(registry: Registry, cls: Any) -> Iterator[Any]:
    """Yield text and tables: signature, docstring, hyperparameters, rules, source."""
    signature = _or(lambda: str(inspect.signature(cls)), "(...)")
    yield f"{cls.__name__}{signature}, {registry.kind}\n"
    yield documentation(cls) + "\n"
    ranges = table("hyperparameter", "default", "range")
    for name, declared in getattr(cls, "hyperparameters", {}).items():
        default = _or(lambda: repr(declared.default), "...")  # noqa: B023
        ranges.add_row(name, default, str(declared.description))
    if ranges.row_count:
        yield ranges
    for rule in rules(cls):
        states = ", ".join(rule.states) or "none"
        yield f"\nrule {rule.name}, states: {states}, {runs(rule)}\n"
        yield "\n".join(rule.lowered.formula) + "\n"
        yield rule.source
    yield f"source: {_or(lambda: inspect.getsourcefile(cls), 'not here')}"


def equations(cls: Any) -> Iterator[str]:
    """Yield for each rule of a class its equations in LaTeX."""
    for rule in rules(cls):
        lines = " \\\\\n".join(f"  {line}" for line in rule.lowered.equations)
        yield f"% {rule.name}\n\\begin{{align}}\n{lines}\n\\end{{align}}"


def documentation(cls: type) -> str:
    """Return the docstring of a class as plain text."""
    return str(_or(lambda: inspect.getdoc(cls), "no documentation"))


def runs(rule: Rule) -> str:
    """Return how a rule runs on the host."""
    return f"NumPy ({rule.compiled.reason})" if rule.compiled.reason else "compiled"


def _or(call: Callable[[], Any], otherwise: str) -> Any:
    """Return what `call` finds out about somebody's code, or `otherwise` where it cannot."""
    try:
        return call() or otherwise
    except Exception:  # of a __repr__, or of inspect about what has no source
        return otherwise
