"""From a rule's syntax tree to its checked expressions: what is a number, an array, a mask."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..ctext import MAX_REDUCTIONS
from . import functions
from .language import (
    ARRAY,
    ARRAY_FUNCTIONS,
    BINARY,
    COMPARE,
    MASK,
    MAX_CHOICES,
    MAX_CONSTANTS,
    NOISE,
    NUMBER,
    ON_ARRAYS,
    REDUCTIONS,
    UNARY,
)
from .operands import operands_of
from .reading import Reading
from .scope import Scope
from .tree import Array, Call, Choice, Literal, Number, Operation, Outside, Reduced, Tree


class Checker:
    """Adds the expressions of one rule to its tree, and refuses what a rule may not contain."""

    def __init__(self, reading: Reading):
        self.reading = reading
        self.tree = Tree(reading.arrays, reading.numbers)
        self.names: dict[str, int] = {}
        self.scope = Scope(reading, self.names)
        for position, name in enumerate(reading.arrays):
            self.names[name] = self.tree.add(Array(position), ARRAY)
        for name in reading.numbers:
            self.names[name] = self.tree.add(Number(name), NUMBER)

    def refuse(self, node: ast.AST, what: str, allowed: str = ON_ARRAYS) -> Exception:
        return self.reading.refuse(node, what, allowed)

    def value(self, expression: ast.expr) -> int:
        """Return the number of an expression in the tree."""
        done: list[int] = []
        todo: list[tuple[ast.expr, int, list[ast.expr] | None]] = [(expression, 0, None)]
        # Without recursion, for a sum of a thousand terms is nested a thousand times.
        while todo:
            node, nested, operands = todo.pop()
            if operands is None:
                operands = operands_of(node, self.reading, self.scope)
                nested += isinstance(node, (ast.IfExp, ast.BoolOp))
                if nested > MAX_CHOICES:
                    what = f"'if', 'and' or 'or' nested more than {MAX_CHOICES} times"
                    raise self.refuse(node, what, "give names to parts of the expression")
                todo.append((node, nested, operands))
                todo += [(operand, nested, None) for operand in reversed(operands)]
            else:
                split = len(done) - len(operands)
                build = getattr(self, f"_{type(node).__name__}")
                done[split:] = [build(node, operands, done[split:])]
        return done.pop()

    def element(self, node: ast.expr, value: int) -> int:
        """Return `value` as an operand of an array, where a number becomes a constant."""
        kind, tree = self.tree.kinds[value], self.tree
        if kind == MASK:
            raise self.refuse(
                node, "a mask used as a number", "choose values with where(mask, x, y)"
            )
        known = tree.measured if tree.late[value] else tree.constants
        if kind == NUMBER and value not in known:
            known.append(value)
            if len(tree.constants) + len(tree.measured) > MAX_CONSTANTS:
                what = f"more than {MAX_CONSTANTS} numbers that meet arrays"
                raise self.refuse(node, what, "make fewer of them, from numbers alone")
        return value

    def _kinds(self, values: Sequence[int]) -> list[str]:
        return [self.tree.kinds[value] for value in values]

    def _Constant(self, node: ast.Constant, *_: Any) -> int:
        value: Any = node.value
        if value is not None and not isinstance(value, (bool, int, float)):
            raise self.refuse(node, f"the literal {value!r}", "literals are numbers or None")
        return self.tree.add(Literal(value, type(value)), NUMBER)

    def _Name(self, node: ast.Name, *_: Any) -> int:
        if node.id in self.names:
            return self.names[node.id]
        value = self.scope.value(node)
        if isinstance(value, np.generic) or not isinstance(value, (int, float)):
            remedy = "; float() makes one" * isinstance(value, np.number)
            kind = f"{node.id!r}, which is a {type(value).__name__}"
            raise self.refuse(node, kind, f"use numbers of Python and parameters{remedy}")
        return self._from_outside(node.id, self.scope.lookup(node))

    def _Attribute(self, node: ast.Attribute, *_: Any) -> int:
        name, constant = self.scope.member(node)
        if not isinstance(constant, float):
            raise self.refuse(node, f"{name!r}", "attributes are those of math")
        return self._from_outside(name, lambda: constant)

    def _from_outside(self, name: str, get: Callable[[], Any]) -> int:
        number = self.tree.add(Outside(name), NUMBER)
        self.tree.outside[number] = get
        return number

    def _UnaryOp(self, node: ast.UnaryOp, _: Any, values: list[int]) -> int:
        sign, (kind,) = UNARY[type(node.op)], self._kinds(values)
        allowed = {NUMBER: ("+", "-", "not "), ARRAY: ("+", "-"), MASK: ("~",)}
        if sign not in allowed[kind]:
            raise self.refuse(node, f"{sign.strip()!r} on {kind}")
        return self.tree.add(Operation(sign, tuple(values)), kind)

    def _BinOp(self, node: ast.BinOp, parts: list[ast.expr], values: list[int]) -> int:
        sign, kinds = BINARY[type(node.op)], self._kinds(values)
        if kinds == [NUMBER, NUMBER] and sign not in "&|":
            return self.tree.add(Operation(sign, tuple(values)), NUMBER)
        if kinds == [MASK, MASK] and sign in "&|":
            return self.tree.add(Operation(sign, tuple(values)), MASK)
        if MASK in kinds:
            raise self.refuse(node, f"{sign!r} between {kinds[0]} and {kinds[1]}")
        exponent = self.tree.nodes[values[1]]
        if sign == "**" and kinds[0] == ARRAY and getattr(exponent, "value", None) == 2:
            return self.tree.add(Call("square", (values[0],)), ARRAY)
        if sign == "**":
            raise self.refuse(node, "a power of an array", "write x**2, or a product for others")
        if sign not in "+-*/":
            raise self.refuse(node, f"{sign!r} on {ARRAY}")
        return self.tree.add(Operation(sign, tuple(map(self.element, parts, values))), ARRAY)

    def _Compare(self, node: ast.Compare, parts: list[ast.expr], values: list[int]) -> int:
        signs = [COMPARE[type(op)] for op in node.ops]
        pairs = list(pairwise(values))
        if set(self._kinds(values)) == {NUMBER}:
            chain = [self.tree.add(Operation(*each), NUMBER) for each in zip(signs, pairs)]
            return chain[0] if len(chain) == 1 else self.tree.add(Choice("and", (*chain,)), NUMBER)
        if len(signs) > 1 or signs[0].startswith("is"):
            what = f"{self.reading.text(node)!r} on arrays"
            raise self.refuse(node, what, "join two comparisons with &")
        return self.tree.add(Operation(signs[0], tuple(map(self.element, parts, values))), MASK)

    def _BoolOp(self, node: ast.BoolOp, _: Any, values: list[int]) -> int:
        sign = "and" if isinstance(node.op, ast.And) else "or"
        if set(self._kinds(values)) != {NUMBER}:
            raise self.refuse(node, f"{sign!r} on arrays", "join masks with & and |")
        return self.tree.add(Choice(sign, tuple(values)), NUMBER)

    def _IfExp(self, node: ast.IfExp, _: Any, values: list[int]) -> int:
        if set(self._kinds(values)) != {NUMBER}:
            raise self.refuse(node, "'if' on arrays", "choose elements with where(mask, x, y)")
        return self.tree.add(Choice("if", tuple(values)), NUMBER)

    def _Call(self, node: ast.Call, parts: list[ast.expr], values: list[int]) -> int:
        name, function = self.scope.callee(node.func)
        if function in REDUCTIONS:
            return self._reduced(node, REDUCTIONS[function].name, values)
        if set(self._kinds(values)) <= {NUMBER}:
            run = functions.math_pow if function is math.pow else function
            return self.tree.add(Call(name, tuple(values), run), NUMBER)
        name, count = ARRAY_FUNCTIONS.get(function, ("", 0))
        if not name:
            raise self.refuse(node, f"{self.reading.text(node.func)} on an array")
        if len(values) != count:
            raise self.refuse(node, f"{name} with {len(values)} arguments", f"{name} takes {count}")
        if name == "where":
            if self.tree.kinds[values[0]] != MASK:
                kind = self.tree.kinds[values[0]]
                raise self.refuse(node, f"{kind} as mask of where", "compare first")
            chosen = map(self.element, parts[1:], values[1:])
            return self.tree.add(Call(name, (values[0], *chosen)), ARRAY)
        if name == "clip":
            if self.tree.kinds[values[1]] != NUMBER:
                raise self.refuse(node, "clip with an array as bound", "the bound is a number")
            bound = Call("clip.bound", (values[1],), functions.clip_bound)
            values = [values[0], self.tree.add(bound, NUMBER)]
        return self.tree.add(Call(name, tuple(map(self.element, parts, values))), ARRAY)

    def _reduced(self, node: ast.Call, name: str, values: list[int]) -> int:
        """Return the number that stands for a reduction."""
        if len(values) != 1:
            raise self.refuse(node, f"{name} with {len(values)} arguments", f"{name} takes 1")
        (kind,) = self._kinds(values)
        if kind != ARRAY:
            raise self.refuse(node, f"{name} of {kind}", f"{name} is of an array")
        if NOISE in self.reading.arrays:
            raise self.refuse(node, f"{name} in a rule with {NOISE!r}", "a rule takes one of them")
        if self.tree.late[values[0]]:
            what = f"{name} of an array that depends on another reduction"
            raise self.refuse(node, what, f"take {name} of what is known without any")
        number = self.tree.add(Reduced(name, (values[0],)), NUMBER)
        if number not in self.tree.reduced:
            self.tree.reduced.append(number)
        if len(self.tree.reduced) > MAX_REDUCTIONS:
            raise self.refuse(
                node, f"one {name} more", f"a rule takes up to {MAX_REDUCTIONS} reductions"
            )
        return number
