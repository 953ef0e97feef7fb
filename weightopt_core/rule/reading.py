"""A rule's source text and signature: from a Python function to its syntax tree."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

from ..ctext import MAX_ARRAYS
from ..errors import RuleError
from .identity import find_source
from .language import NOISE

SHAPE = "def rule(weight, grad, <states>, *, <numbers>)"
#: Characters of the source that a message shows, at most.
_SHOWN = 60


class Reading:
    """The syntax tree of one rule, and how to refuse a part of it.

    Attributes
    ----------
    name : str
        The function's name.
    arrays : tuple of str
        ``weight``, ``grad`` and the states, in the order of the signature.
    numbers : tuple of str
        The keyword-only parameters.
    statements : list of ast.stmt
        The function's body without its docstring.
    source : str
        The function's text as written, its decorators too.
    """

    def __init__(self, function: Callable[..., Any]):
        if not inspect.isfunction(function):
            raise TypeError(f"update_rule: expected a function, got {function!r}")
        self.function = function
        self.name = function.__name__
        self.filename = function.__code__.co_filename
        source = find_source(function, self.name)
        self._lines, self._first = source.lines, source.first
        self.source = "".join(source.lines)
        self.node = self._checked(source.node)
        self.arrays, self.numbers = self._signature()
        body = self.node.body
        self.statements = body[1:] if ast.get_docstring(self.node, False) is not None else body

    def refuse(self, node: ast.AST, what: str, allowed: str) -> RuleError:
        """Word a refusal of `node`; the caller raises it."""
        line = getattr(node, "lineno", self._first)
        return RuleError(f"rule {self.name!r}: {what}; {allowed}", self.filename, line)

    def text(self, node: ast.AST) -> str:
        """Return the first line of `node` as written."""
        line = self._lines[node.lineno - self._first].rstrip().encode()  # type: ignore[attr-defined]
        end = node.end_col_offset if node.end_lineno == node.lineno else len(line)  # type: ignore[attr-defined]
        text = line[node.col_offset : end].decode("utf-8", "replace")  # type: ignore[attr-defined]
        return text if len(text) <= _SHOWN else text[:_SHOWN] + " ..."

    def _checked(self, node: ast.AST) -> ast.FunctionDef:
        if not isinstance(node, ast.FunctionDef):
            what = f"expected a def statement, got {type(node).__name__}"
            raise self.refuse(node, what, f"write {SHAPE}")
        if hasattr(self.function, "__wrapped__"):
            what = "a decorator below update_rule put another function in its place"
            raise self.refuse(node, what, "put update_rule directly above the def statement")
        return node

    def _signature(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        given = self.node.args
        arrays = tuple(argument.arg for argument in given.args)
        if given.posonlyargs or given.vararg or given.kwarg or self.function.__defaults__:
            raise self.refuse(
                self.node, "positional-only, *, ** or default parameters", f"write {SHAPE}"
            )
        if self.function.__kwdefaults__:
            raise self.refuse(
                self.node,
                "a number with a default",
                "declare the default on the optimizer, not in the rule",
            )
        if arrays[:2] != ("weight", "grad"):
            raise self.refuse(
                self.node, f"parameters that start with {', '.join(arrays[:2])}", f"write {SHAPE}"
            )
        if NOISE in arrays[:-1]:
            raise self.refuse(self.node, f"{NOISE!r} before a state", "put it last")
        if len(arrays) > MAX_ARRAYS:
            what = f"{len(arrays)} arrays"
            allowed = f"a rule takes up to {MAX_ARRAYS}: weight, grad and {MAX_ARRAYS - 2} others"
            raise self.refuse(self.node, what, allowed)
        for argument in given.args + given.kwonlyargs:
            if not argument.arg.isascii():
                raise self.refuse(argument, f"the name {argument.arg!r}", "use ASCII letters")
        return arrays, tuple(argument.arg for argument in given.kwonlyargs)
