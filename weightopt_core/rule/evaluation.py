"""Functions that evaluate a rule's constants, compiled from its checked expressions.

Each expression is evaluated as Python evaluates the rule: what a statement computes once and
always, what stands behind ``if``, ``and`` and ``or`` only where it is needed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from .language import NUMBER
from .printers.python import Text, always, function_of
from .tree import Number, Tree


def measured(tree: Tree) -> Callable[..., tuple[Any, ...]]:
    """Return the function to the constants that depend on reductions.

    It takes the rule's numbers, those from outside, and the reductions.
    """
    text = Text(tree)
    return text.compiled(*of_reduced(text))


def of_reduced(text: Text) -> tuple[list[str], list[ast.stmt]]:
    """Return arguments and body of that function."""
    tree = text.tree
    computed = _computed(tree)
    late = [number for number in computed if tree.late[number]]
    needed = set(tree.reached(late, tree.reduced))
    arguments = [text.argument(number) for number in [*given_to(tree), *tree.reduced]]
    body = text.block([number for number in computed if number in needed], tree.measured)
    return arguments, [*body, ast.Return(text.values(tree.measured))]


def of_numbers(text: Text) -> tuple[list[str], list[ast.stmt]]:
    """Return arguments and body of the function to the constants that depend on no reduction.

    It takes the rule's numbers, and those from outside.
    """
    tree = text.tree
    arguments = [text.argument(number) for number in given_to(tree)]
    computed = [number for number in _computed(tree) if not tree.late[number]]
    body = text.block(computed, tree.constants)
    return arguments, [*body, ast.Return(text.values(tree.constants))]


def given_to(tree: Tree) -> list[int]:
    """Return the numbers that such a function is given: the rule's own, and those from outside."""
    return [*_numbers(tree).values(), *tree.outside]


def split(
    tree: Tree, settings: Sequence[str], own: Sequence[str]
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
    numbers = _numbers(tree)
    moves: list[bool] = []
    for node in tree.nodes:
        is_own = isinstance(node, Number) and node.name in own
        moves.append(is_own or any(moves[i] for i in node.operands))
    computed = [number for number in _computed(tree) if not tree.late[number]]
    moving = [i for i, number in enumerate(tree.constants) if moves[number]]
    varying = [tree.constants[i] for i in moving]
    fixed = [number for number in tree.constants if not moves[number]]
    text = Text(tree)
    given = [numbers[name] for name in settings]
    outer = [text.argument(number) for number in [*given, *tree.outside]]
    # What a step's numbers do not decide is evaluated before they come, parts of constants too.
    early, late = (
        [number for number in always(tree, computed) if moves[number] == moved]
        for moved in (False, True)
    )
    body = text.block(early, fixed, late)
    inner = [text.argument(numbers.get(name), place) for place, name in enumerate(own)]
    step = function_of(inner, [*text.block(late, varying), ast.Return(text.values(varying))])
    result = ast.Tuple([text.values(fixed), ast.Name(step.name, ast.Load())], ast.Load())
    return text.compiled(outer, [*body, step, ast.Return(result)]), moving


def _numbers(tree: Tree) -> dict[str, int]:
    return {node.name: i for i, node in enumerate(tree.nodes) if isinstance(node, Number)}


def _computed(tree: Tree) -> list[int]:
    """Return the numbers that statements compute: those assigned, and those that meet arrays."""
    assigned = [number for _, number in tree.assigned if tree.kinds[number] == NUMBER]
    return [*assigned, *tree.constants, *tree.measured]
