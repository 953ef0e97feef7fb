"""A rule's source text and signature: from a Python function to its checked syntax tree."""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from ..errors import RuleError

SHAPE = "def rule(weight, grad, <states>, *, <numbers>)"
#: A last array of this name is no state: the core fills it with standard normal numbers.
NOISE = "noise"


class Reading:
    """The syntax tree of one rule, what its names mean, and how to refuse a part of it.

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
    """

    def __init__(self, function: Callable[..., Any]):
        if not inspect.isfunction(function):
            raise TypeError(f"update_rule: expected a function, got {function!r}")
        self.function = function
        self.name = function.__name__
        self.filename = inspect.getfile(function)
        self.node = self._parse()
        self.arrays, self.numbers = self._signature()
        body = self.node.body
        self.statements = body[1:] if ast.get_docstring(self.node) is not None else body

    def refuse(self, node: ast.AST, what: str, allowed: str) -> RuleError:
        """Word a refusal of `node`; the caller raises it."""
        line = getattr(node, "lineno", self.node.lineno)
        return RuleError(f"rule {self.name!r}: {what}; {allowed}", self.filename, line)

    def lookup(self, node: ast.Name) -> Callable[[], Any]:
        """Return a getter for a name from outside the rule: enclosing function, module, builtin."""
        name, function = node.id, self.function
        if name in function.__code__.co_freevars:
            cell = (function.__closure__ or ())[function.__code__.co_freevars.index(name)]
            return lambda: cell.cell_contents
        if name in function.__globals__:
            return lambda: function.__globals__[name]
        if hasattr(builtins, name):
            return lambda: getattr(builtins, name)
        known = ", ".join(self.arrays + self.numbers)
        raise self.refuse(node, f"unknown name {name!r}", f"the rule's parameters are {known}")

    def _parse(self) -> ast.FunctionDef:
        code = self.function.__code__
        try:
            lines, first = inspect.getsourcelines(self.function)
            tree = ast.parse(textwrap.dedent("".join(lines)))
            defined = [getattr(node, "name", "no function") for node in tree.body]
            if defined != [self.name]:  # of code made from text, another text may be found
                raise OSError(f"line {first} defines {', '.join(defined)}")
        except (OSError, TypeError, SyntaxError) as error:
            raise RuleError(
                f"rule {self.name!r}: its source text cannot be read ({error}); "
                "put the rule into a .py file and import it from there",
                self.filename,
                code.co_firstlineno,
            ) from error
        ast.increment_lineno(tree, first - 1)
        node = tree.body[0]
        if not isinstance(node, ast.FunctionDef):
            raise RuleError(
                f"rule {self.name!r}: expected a def statement, got {type(node).__name__}; "
                f"write {SHAPE}",
                self.filename,
                first,
            )
        return node

    def _signature(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        given = self.node.args
        arrays = tuple(argument.arg for argument in given.args)
        if given.posonlyargs or given.vararg or given.kwarg or given.defaults:
            raise self.refuse(
                self.node, "positional-only, *, ** or default parameters", f"write {SHAPE}"
            )
        if any(default is not None for default in given.kw_defaults):
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
        for argument in given.args + given.kwonlyargs:
            if not argument.arg.isascii():
                raise self.refuse(argument, f"the name {argument.arg!r}", "use ASCII letters")
        return arrays, tuple(argument.arg for argument in given.kwonlyargs)
