"""Functions that evaluate a rule's constants, compiled from their checked syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .expressions import Expressions


def evaluator(expressions: Expressions, measured: bool = False) -> Callable[..., tuple[Any, ...]]:
    """Return the function from the rule's numbers, and those from outside, to its constants.

    With `measured` it takes the norms too, last, and returns the constants that depend on them.
    """
    names = [*expressions.reading.numbers, *expressions.outside]
    names += expressions.norms.arguments if measured else ()
    trees = expressions.measured if measured else expressions.constants
    return _compiled(expressions, _lambda(names, _tuple(trees.values())))


def split(
    expressions: Expressions, settings: Sequence[str], own: Sequence[str]
) -> tuple[Callable[..., Any], list[int]]:
    """Separate the constants that the numbers called `own` decide from all others.

    Returns
    -------
    settle : callable
        Takes the other numbers, `settings` and those from outside, in order. Returns the other
        constants, and a function from the own numbers to the constants that they decide.
    moving : list of int
        The numbers of these.
    """
    trees = list(expressions.constants.values())
    moving = [i for i, tree in enumerate(trees) if _names(tree) & set(own)]
    fixed = _tuple(tree for i, tree in enumerate(trees) if i not in moving)
    evaluate = _lambda(own, _tuple(trees[i] for i in moving))
    names = [*settings, *expressions.outside]
    return _compiled(expressions, _lambda(names, _tuple([fixed, evaluate]))), moving


def _names(tree: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _tuple(trees: Iterable[ast.expr]) -> ast.Tuple:
    return ast.Tuple(list(trees), ast.Load())


def _lambda(names: Iterable[str], body: ast.expr) -> ast.Lambda:
    arguments = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
    return ast.Lambda(arguments, body)


def _compiled(expressions: Expressions, function: ast.Lambda) -> Callable[..., Any]:
    """Return a function that sees nothing but its arguments and the functions it names."""
    tree = ast.fix_missing_locations(ast.Expression(function))
    code = compile(tree, expressions.reading.filename, "eval")
    return eval(code, {"__builtins__": {}, **expressions.callees})
