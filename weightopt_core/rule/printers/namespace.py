"""A rule as a module of Python that calls the functions of an array namespace.

Its functions are `constants` and `measured`, from numbers to what arrays meet; `measure`, what is
reduced; and `step`, the new weight and states. They are straight-line code on names that are
made here, so that whatever traces functions of Python can trace them.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from .. import evaluation
from ..language import MASK, NUMBER
from ..tree import Array, Call, Choice, Literal, Node, Operation, Tree
from .formula import texts_of
from .parts import parts
from .python import Text, function_of

#: How deeply brackets are nested before a part gets a name: compilers of Python have limits.
_DEEPEST = 20


def module_of(tree: Tree, operations: Any) -> tuple[str, dict[str, Any]]:
    """Return the text of the module for one rule, and what it calls on numbers by name."""
    given: dict[str, Any] = {}
    texts = [
        _legend(tree),
        _function("constants", *evaluation.of_numbers(NumberText(tree, operations, given))),
    ]
    if tree.reduced:
        texts += [
            _function("measured", *evaluation.of_reduced(NumberText(tree, operations, given))),
            _on_arrays("measure", tree, tree.arguments),
        ]
    texts.append(_on_arrays("step", tree, tree.results))
    return "\n\n\n".join("\n".join(lines) for lines in texts) + "\n", given


def _legend(tree: Tree) -> list[str]:
    numbers = [(i, texts_of(tree, [i])[0]) for i in [*evaluation.given_to(tree), *tree.reduced]]
    constants = texts_of(tree, [*tree.constants, *tree.measured])
    return [
        *(f"# array{i}: {name}" for i, name in enumerate(tree.arrays)),
        *(f"# number{i}: {text}" for i, text in numbers),
        *(f"# constants[{i}]: {text}" for i, text in enumerate(constants)),
    ]


def _function(name: str, arguments: Sequence[str], body: list[ast.stmt]) -> list[str]:
    function = function_of(arguments, body)
    function.name = name
    return [ast.unparse(ast.fix_missing_locations(function))]


def _on_arrays(name: str, tree: Tree, roots: Sequence[int]) -> list[str]:
    """Return the lines of a function on arrays and constants."""
    known = {
        number: f"constants[{i}]" for i, number in enumerate([*tree.constants, *tree.measured])
    }

    def declare(count: int, number: int, text: str) -> tuple[str, str]:
        made = f"{'mask' if tree.kinds[number] == MASK else 'value'}{count}"
        return made, f"{made} = {text}"

    lines, values = parts(tree, roots, known, _text, declare, _DEEPEST)
    # A state may be replaced by a number, which is no array yet.
    values = [
        f"filled({value}, array0)" if tree.kinds[root] == NUMBER else value
        for value, root in zip(values, roots)
    ]
    arguments = ", ".join(["constants", *(f"array{i}" for i in range(len(tree.arrays)))])
    lines.append(f"return {', '.join(values)}{',' * (len(values) == 1)}")
    return [f"def {name}({arguments}):", *(f"    {line}" for line in lines)]


def _text(node: Node, texts: Sequence[str]) -> str:
    match node:
        case Array():
            return f"array{node.position}"
        case Call():
            return f"{node.name}({', '.join(texts)})"
        case Operation(operands=(_,)):
            return f"({node.sign}{texts[0]})"
        case Operation():
            return f"({texts[0]} {node.sign} {texts[1]})"
    raise TypeError(f"{type(node).__name__} on arrays")


class NumberText(Text):
    """The text of functions on numbers, each a plain one or a 0-d array.

    Parameters
    ----------
    tree : Tree
        The rule.
    operations : weightopt_core.rule.operations.Operations
        What numbers are put through where Python's own operators take no arrays.
    given : dict
        Collects by name what the functions call.
    """

    def __init__(self, tree: Tree, operations: Any, given: dict[str, Any]):
        super().__init__(tree)
        self.operations, self.given = operations, given

    def _choice(self, number: int, node: Choice) -> list[ast.stmt]:
        first, *others = node.operands
        branches = [self._branch_of(number, place, part) for place, part in enumerate(others)]
        calls: list[ast.expr] = [ast.Name(branch.name, ast.Load()) for branch in branches]
        if node.sign == "if":
            return [*branches, self._chosen(number, self.expression(first)[0], *calls)]
        made = [*branches, self._assign(number, self.expression(first)[0])]
        for call in calls:
            so_far = ast.Name(self.names[number], ast.Load())
            kept = ast.Lambda(function_of([], []).args, so_far)
            yes, no = (call, kept) if node.sign == "and" else (kept, call)
            made.append(self._chosen(number, so_far, yes, no))
        return made

    def _branch_of(self, number: int, place: int, part: int) -> ast.FunctionDef:
        """Return a function without arguments to one operand of a choice."""
        known = len(self.names)
        body = self.block([part], [part])
        body.append(ast.Return(self.expression(part)[0]))
        while len(self.names) > known:
            self.names.popitem()
        branch = function_of([], body)
        branch.name = f"branch{number}_{place}"
        return branch

    def _chosen(self, number: int, test: ast.expr, yes: ast.expr, no: ast.expr) -> ast.stmt:
        choose = self._given(self.operations.choose)
        return self._assign(number, ast.Call(choose, [test, yes, no], []))

    def _built(self, node: Any) -> tuple[ast.expr, int]:
        if isinstance(node, Call):
            assert node.function is not None
            made = [self.expression(operand) for operand in node.operands]
            function = self._given(self.operations.number(node.function), node.function.__name__)
            return _call(function, made)
        if node.sign == "not ":
            return _call(self._given(self.operations.negation), [self.expression(node.operands[0])])
        if node.sign == "**":
            made = [self.expression(operand) for operand in node.operands]
            return _call(self._given(self.operations.power), made)
        power = self._subtracted_power(node)
        if power is not None:
            made = [self.expression(operand) for operand in power.operands]
            return _call(self._given(self.operations.one_minus_power), made)
        return super()._built(node)

    def _subtracted_power(self, node: Any) -> Operation | None:
        """Return the power of which `node` is what is left of 1."""
        if node.sign != "-" or len(node.operands) != 2:
            return None
        one, power = (self.tree.nodes[operand] for operand in node.operands)
        is_one = isinstance(one, Literal) and one.value == 1
        return power if is_one and getattr(power, "sign", None) == "**" else None  # type: ignore

    def _given(self, value: Any, name: str = "") -> ast.Name:
        stem = name = f"given_{name or getattr(value, '__name__', 'value')}"
        count = 1
        while _differ(self.given.setdefault(name, value), value):
            count += 1
            name = f"{stem}{count}"
        return ast.Name(name, ast.Load())


def _differ(one: Any, other: Any) -> bool:
    return type(one) is not type(other) or one != other


def _call(function: ast.expr, made: Sequence[tuple[ast.expr, int]]) -> tuple[ast.expr, int]:
    depth = 1 + max((depth for _, depth in made), default=0)
    return ast.Call(function, [expression for expression, _ in made], []), depth
