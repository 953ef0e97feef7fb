"""What names mean in a rule that are neither its parameters nor assigned in it."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Container
from typing import Any

from .language import CALLS, NUMBER_FUNCTIONS
from .reading import Reading


class Scope:
    """The names around one rule: of the enclosing function, the module, and the builtins.

    Parameters
    ----------
    reading : Reading
        The rule.
    own : container of str
        The names that the rule has defined so far.
    """

    def __init__(self, reading: Reading, own: Container[str]):
        self.reading, self.own = reading, own

    def lookup(self, node: ast.Name) -> Callable[[], Any]:
        """Return what returns the present value of a name."""
        name, function = node.id, self.reading.function
        if name in function.__code__.co_varnames:
            what = f"{name!r} is used before it is assigned"
            remedy = "a name that a rule assigns is its own from the first line on"
            raise self.reading.refuse(node, what, remedy)
        if name in function.__code__.co_freevars:
            cell = (function.__closure__ or ())[function.__code__.co_freevars.index(name)]
            return lambda: cell.cell_contents
        if name in function.__globals__:
            return lambda: function.__globals__[name]
        if name == "__debug__":  # bytecode has the value of the interpreter that made it
            what = f"{name!r}, which is settled when a file is compiled"
            raise self.reading.refuse(node, what, "use a number")
        builtins: dict[str, Any] = function.__builtins__  # type: ignore[attr-defined]
        if name in builtins:
            return lambda: builtins[name]
        known = ", ".join(self.reading.arrays + self.reading.numbers)
        what = f"unknown name {name!r}"
        raise self.reading.refuse(node, what, f"the rule's parameters are {known}")

    def value(self, node: ast.Name) -> Any:
        """Return the present value of a name."""
        get = self.lookup(node)
        try:
            return get()
        except ValueError:  # of a cell that is empty
            what = f"{node.id!r} has no value yet"
            remedy = "assign it before the rule is decorated"
            raise self.reading.refuse(node, what, remedy) from None

    def callee(self, node: ast.expr) -> tuple[str, Any]:
        """Return a function's name and the function, which is one that rules may call."""
        name, function = self.reading.text(node), None
        if isinstance(node, ast.Attribute):
            name, function = self.member(node)
        elif isinstance(node, ast.Name) and node.id not in self.own:
            name, function = node.id, self.value(node)
        if not any(function is known for known in NUMBER_FUNCTIONS):
            raise self.reading.refuse(node, f"a call of {name!r}", CALLS)
        return name, function

    def member(self, node: ast.Attribute) -> tuple[str, Any]:
        """Return the name and the value of an attribute, which is one of `math`."""
        owner = node.value
        if isinstance(owner, ast.Name) and owner.id not in self.own:
            module = self.value(owner)
            if module is math and hasattr(math, node.attr):
                return f"{owner.id}.{node.attr}", getattr(math, node.attr)
        what = f"{self.reading.text(node)!r}"
        remedy = "import the functions of weightopt_core.rule, or use math"
        raise self.reading.refuse(node, what, remedy)
