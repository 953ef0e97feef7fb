"""The norms that a rule takes, and what depends on them."""

from __future__ import annotations

import ast
import re

#: How many norms one rule may take.
MAX_NORMS = 8


class Norms:
    """The norms of one rule, as they come up while its expressions are read.

    A rule with norms runs in two passes: the first computes what the norms are of, the second
    everything. So nothing that a norm is of may depend on a norm itself.

    Attributes
    ----------
    arguments : dict of str to str
        What each norm is of, as text in C, by the name of the norm in numbers.
    """

    def __init__(self) -> None:
        self.arguments: dict[str, str] = {}
        self._late: set[str] = set()

    def add(self, text: str) -> str:
        """Return the name of the norm of the array `text`; equal ones are measured once."""
        name = f"norm({text})"
        self.arguments.setdefault(name, text)
        return name

    def mark(self, name: str) -> None:
        """Note that the constant or local `name` of the C text depends on a norm."""
        self._late.add(name)

    def reach_number(self, tree: ast.expr) -> bool:
        """Whether a number depends on a norm."""
        return any(
            isinstance(node, ast.Name) and node.id in self.arguments for node in ast.walk(tree)
        )

    def reach_text(self, text: str) -> bool:
        """Whether an array or a mask depends on a norm."""
        return not self._late.isdisjoint(re.findall(r"\w+", text))
