"""The checked expressions of a rule: what is a number, what an array, and what each becomes.

A number is evaluated on the host in double, once a call: all of them together by one function
that is compiled from the checked syntax tree and sees nothing but the rule's numbers and the
functions that it names. An array or a mask becomes text in the subset that C and OpenCL C share.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import functions
from .language import (
    ARRAY,
    ARRAY_FUNCTIONS,
    BINARY,
    CALLS,
    COMPARE,
    MASK,
    NUMBER,
    NUMBER_FUNCTIONS,
    ON_ARRAYS,
    UNARY,
)
from .norms import MAX_NORMS, Norms
from .reading import NOISE, Reading


@dataclass(frozen=True)
class Value:
    """What an expression is: `text` in C for an array or a mask, a syntax tree for a number."""

    kind: str
    text: str = ""
    tree: Any = None


class Expressions(ast.NodeVisitor):
    """Turn the expressions of one rule into values, and collect the constants they need.

    Attributes
    ----------
    constants : dict of str to ast.expr
        The numbers that arrays meet, by their text; number i is ``ki`` in C.
    measured : dict of str to ast.expr
        Those of them that depend on a norm; number i is ``mi`` in C.
    norms : Norms
        The norms that the rule takes.
    outside : dict of str to callable
        Getters of the numbers from outside the rule.
    callees : dict of str to callable
        The functions that numbers are passed to, by name.
    """

    def __init__(self, reading: Reading):
        self.reading = reading
        self.names = {name: Value(ARRAY, f"{name}_0") for name in reading.arrays}
        for name in reading.numbers:
            self.names[name] = Value(NUMBER, tree=_name(name))
        self.constants: dict[str, ast.expr] = {}
        self.measured: dict[str, ast.expr] = {}
        self.norms = Norms()
        self.outside: dict[str, Callable[[], Any]] = {}
        self.callees: dict[str, Callable[..., Any]] = {}

    def array(self, node: ast.expr) -> str:
        """Return the C text of an element of `node`, where a number becomes a constant."""
        return self._element(node, self.visit(node))

    def _element(self, node: ast.expr, value: Value) -> str:
        if value.kind == MASK:
            raise self.refuse(
                node, "a mask used as a number", "choose values with where(mask, x, y)"
            )
        return self._constant(value) if value.kind == NUMBER else value.text

    def refuse(self, node: ast.AST, what: str, allowed: str = ON_ARRAYS) -> Exception:
        return self.reading.refuse(node, what, allowed)

    def generic_visit(self, node: ast.AST) -> Any:
        raise self.refuse(node, f"{type(node).__name__} in an expression")

    def visit_Constant(self, node: ast.Constant) -> Value:
        if node.value is not None and not isinstance(node.value, (bool, int, float)):
            raise self.refuse(node, f"the literal {node.value!r}", "literals are numbers or None")
        return Value(NUMBER, tree=node)

    def visit_Name(self, node: ast.Name) -> Value:
        if node.id in self.names:
            return self.names[node.id]
        get = self.reading.lookup(node)
        if not isinstance(get(), (int, float)):
            kind = f"{node.id!r}, which is a {type(get()).__name__}"
            raise self.refuse(node, kind, "use numbers and parameters")
        return self._from_outside(node.id, get)

    def visit_Attribute(self, node: ast.Attribute) -> Value:
        constant = self._math_member(node)
        if not isinstance(constant, float):
            raise self.refuse(node, f"{ast.unparse(node)!r}", "attributes are those of math")
        return self._from_outside(ast.unparse(node), lambda: constant)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Value:
        sign, operand = UNARY[type(node.op)], self.visit(node.operand)
        if operand.kind == NUMBER and sign != "~":
            return Value(NUMBER, tree=ast.UnaryOp(node.op, operand.tree))
        if (sign, operand.kind) in {("+", ARRAY), ("-", ARRAY)}:
            return Value(ARRAY, f"({sign}{operand.text})")
        if (sign, operand.kind) == ("~", MASK):
            return Value(MASK, f"(!{operand.text})")
        raise self.refuse(node, f"{sign.strip()!r} on {operand.kind}")

    def visit_BinOp(self, node: ast.BinOp) -> Value:
        if type(node.op) not in BINARY:
            raise self.refuse(node, f"the operator {type(node.op).__name__}")
        sign = BINARY[type(node.op)]
        left, right = self.visit(node.left), self.visit(node.right)
        if left.kind == right.kind == NUMBER and sign not in "&|":
            return Value(NUMBER, tree=ast.BinOp(left.tree, node.op, right.tree))
        if left.kind == right.kind == MASK and sign in "&|":
            return Value(MASK, f"({left.text} {sign} {right.text})")
        if MASK in (left.kind, right.kind):
            raise self.refuse(node, f"{sign!r} between {left.kind} and {right.kind}")
        if sign == "**" and left.kind == ARRAY and getattr(right.tree, "value", None) == 2:
            return Value(ARRAY, f"FN(square)({left.text})")
        if sign == "**":
            raise self.refuse(node, "a power of an array", "write x**2, or a product for others")
        if sign not in "+-*/":
            raise self.refuse(node, f"{sign!r} on {ARRAY}")
        one, other = self._element(node.left, left), self._element(node.right, right)
        return Value(ARRAY, f"({one} {sign} {other})")

    def visit_Compare(self, node: ast.Compare) -> Value:
        operands = [node.left, *node.comparators]
        values = [self.visit(operand) for operand in operands]
        signs = [COMPARE.get(type(op), "in") for op in node.ops]
        if "in" in signs:
            raise self.refuse(node, "'in'")
        if all(value.kind == NUMBER for value in values):
            first, *others = (value.tree for value in values)
            return Value(NUMBER, tree=ast.Compare(first, node.ops, others))
        if len(signs) > 1 or signs[0].startswith("is"):
            what = f"{ast.unparse(node)!r} on arrays"
            raise self.refuse(node, what, "join two comparisons with &")
        left, right = (self._element(*pair) for pair in zip(operands, values))
        return Value(MASK, f"({left} {signs[0]} {right})")

    def visit_BoolOp(self, node: ast.BoolOp) -> Value:
        name = "and" if isinstance(node.op, ast.And) else "or"
        values = [self.visit(value) for value in node.values]
        if any(value.kind != NUMBER for value in values):
            raise self.refuse(node, f"{name!r} on arrays", "join masks with & and |")
        return Value(NUMBER, tree=ast.BoolOp(node.op, [value.tree for value in values]))

    def visit_IfExp(self, node: ast.IfExp) -> Value:
        parts = [self.visit(part) for part in (node.test, node.body, node.orelse)]
        if any(part.kind != NUMBER for part in parts):
            raise self.refuse(node, "'if' on arrays", "choose elements with where(mask, x, y)")
        return Value(NUMBER, tree=ast.IfExp(*(part.tree for part in parts)))

    def visit_Call(self, node: ast.Call) -> Value:
        function = self._callee(node.func)
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.refuse(node, "keyword or * arguments in a call", "pass values by position")
        values = [self.visit(argument) for argument in node.args]
        if function is functions.norm:
            return self._norm(node, values)
        if all(value.kind == NUMBER for value in values):
            return self._number_call(ast.unparse(node.func), function, values)
        return self._array_call(node, function, values)

    def _number_call(self, name: str, function: Any, values: list[Value]) -> Value:
        self.callees[name] = function
        return Value(NUMBER, tree=ast.Call(_name(name), [value.tree for value in values], []))

    def _from_outside(self, name: str, get: Callable[[], Any]) -> Value:
        self.outside[name] = get
        return Value(NUMBER, tree=_name(name))

    def _array_call(self, node: ast.Call, function: Any, values: list[Value]) -> Value:
        name, count = ARRAY_FUNCTIONS.get(function, ("", 0))
        if not name:
            raise self.refuse(node, f"{ast.unparse(node.func)} on an array")
        if len(values) != count:
            raise self.refuse(node, f"{name} with {len(values)} arguments", f"{name} takes {count}")
        if name == "where":
            if values[0].kind != MASK:
                raise self.refuse(node, f"{values[0].kind} as mask of where", "compare first")
            mask, *chosen = values[0].text, *map(self._element, node.args[1:], values[1:])
            return Value(ARRAY, f"({mask} ? {chosen[0]} : {chosen[1]})")
        if name == "clip":
            if values[1].kind != NUMBER:
                raise self.refuse(node, "clip with an array as bound", "the bound is a number")
            values[1] = self._number_call("clip.bound", functions.clip_bound, values[1:])
        texts = map(self._element, node.args, values)
        return Value(ARRAY, f"FN({name})({', '.join(texts)})")

    def _norm(self, node: ast.Call, values: list[Value]) -> Value:
        """Return the number that stands for a norm."""
        if len(values) != 1:
            raise self.refuse(node, f"norm with {len(values)} arguments", "norm takes 1")
        (value,) = values
        if value.kind != ARRAY:
            raise self.refuse(node, f"norm of {value.kind}", "norm is of an array")
        if NOISE in self.reading.arrays:
            raise self.refuse(node, f"a norm in a rule with {NOISE!r}", "a rule takes one of them")
        if self.norms.reach_text(value.text):
            what = "a norm of an array that depends on another norm"
            raise self.refuse(node, what, "take norms of what is known without any norm")
        name = self.norms.add(value.text)
        if len(self.norms.arguments) > MAX_NORMS:
            raise self.refuse(node, "one norm more", f"a rule takes up to {MAX_NORMS} norms")
        return Value(NUMBER, tree=_name(name))

    def _callee(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Attribute):
            function = self._math_member(node)
        elif isinstance(node, ast.Name) and node.id not in self.names:
            function = self.reading.lookup(node)()
        else:
            function = None
        if not callable(function) or function not in NUMBER_FUNCTIONS:
            raise self.refuse(node, f"a call of {ast.unparse(node)!r}", CALLS)
        return function

    def _math_member(self, node: ast.Attribute) -> Any:
        owner = node.value
        if isinstance(owner, ast.Name) and owner.id not in self.names:
            module = self.reading.lookup(owner)()
            if module is math and hasattr(math, node.attr):
                return getattr(math, node.attr)
        raise self.refuse(
            node,
            f"{ast.unparse(node)!r}",
            "import the functions of weightopt_core.rule, or use math",
        )

    def _constant(self, value: Value) -> str:
        text = ast.unparse(value.tree)
        if not self.norms.reach_number(value.tree):
            self.constants.setdefault(text, value.tree)
            return f"k{list(self.constants).index(text)}"
        self.measured.setdefault(text, value.tree)
        name = f"m{list(self.measured).index(text)}"
        self.norms.mark(name)
        return name


def _name(name: str) -> ast.Name:
    """Return a name that is looked up; it need not be an identifier."""
    return ast.Name(name, ast.Load())
