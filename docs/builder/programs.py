"""What a rule becomes: its equations, and the C and OpenCL C that are compiled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weightopt_core.backends.opencl.text.elements import element
from weightopt_core.rule import Rule
from weightopt_core.rule.source import function_text

from .rst import block, folded, inline


def programs(rule: Rule) -> str:
    """Return everything that a rule is, each part behind a line that unfolds it."""
    text = folded("Equations, printed from the rule", equations(rule), opened=True)
    text += folded("Source", block("code-block:: python", rule.source), opened=True)
    text += folded("What its names in C are", legend(rule))
    text += folded("C, for one dtype", block("code-block:: c", function_text("rule", 0, rule)))
    return text + folded("OpenCL C, for one element", block("code-block:: c", opencl(rule)))


def equations(rule: Rule) -> str:
    """Return the rule as equations."""
    return block("math::", " \\\\\n".join(rule.lowered.equations))


def legend(rule: Rule) -> str:
    """Return a list of what the names of generated text stand for."""
    return "\n".join(f"- {inline(name)}: {inline(meaning)}" for name, meaning in _meanings(rule))


def _meanings(rule: Rule) -> Iterator[tuple[str, str]]:
    lowered = rule.lowered
    for i, name in enumerate(lowered.arrays):
        yield f"wo_x{i}", f"{name}[i]"
    yield from zip(lowered.scalars, [*lowered.constants, *lowered.measured], strict=True)


def opencl(rule: Rule) -> str:
    """Return the statements of a kernel for one element of float32 arrays."""
    stored: list[Any] = ["float32"] * (len(rule.lowered.arrays) - rule.draws)
    return "\n".join(element(rule, stored, "float32"))
