"""The checked expressions of a rule: what is a number, what an array, and what each becomes.

A number is evaluated on the host in double, once a call, by a closure that this module builds
from the syntax tree. An array or a mask becomes text in the subset that C and OpenCL C share.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import functions
from .reading import Reading

NUMBER, ARRAY, MASK = "a number", "an array", "a mask"
Evaluate = Callable[[Mapping[str, Any]], Any]

_BINARY: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", operator.pow),
    ast.BitAnd: ("&", operator.and_),
    ast.BitOr: ("|", operator.or_),
}
_COMPARE: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Is: ("is", operator.is_),
    ast.IsNot: ("is not", operator.is_not),
}
_UNARY: dict[type, tuple[str, Callable[[Any], Any]]] = {
    ast.UAdd: ("+", operator.pos),
    ast.USub: ("-", operator.neg),
    ast.Not: ("not ", operator.not_),
    ast.Invert: ("~", operator.invert),
}
#: Functions on arrays, by the object that the rule's name refers to.
ARRAY_FUNCTIONS: dict[Any, tuple[str, int]] = {
    functions.clip: ("clip", 2),
    functions.sqrt: ("sqrt", 1),
    functions.sign: ("sign", 1),
    functions.maximum: ("maximum", 2),
    functions.minimum: ("minimum", 2),
    functions.where: ("where", 3),
    abs: ("abs", 1),
}
_MATH = {function for function in vars(math).values() if callable(function)}
_NUMBER_FUNCTIONS = _MATH | set(ARRAY_FUNCTIONS) | {min, max, float, int, round}
_ON_ARRAYS = "on arrays: + - * /, **2, comparisons, & | ~ of masks, and " + ", ".join(
    sorted(name for name, _ in ARRAY_FUNCTIONS.values())
)
_CALLS = f"{_ON_ARRAYS}; on numbers also the functions of math"


@dataclass(frozen=True)
class Value:
    """What an expression is: `text` in C for an array or a mask, a closure for a number."""

    kind: str
    text: str
    evaluate: Evaluate = lambda numbers: None


class Expressions(ast.NodeVisitor):
    """Turn the expressions of one rule into values, and collect the constants they need."""

    def __init__(self, reading: Reading):
        self.reading = reading
        self.names = {name: Value(ARRAY, f"{name}_0") for name in reading.arrays}
        for name in reading.numbers:
            self.names[name] = Value(NUMBER, name, operator.itemgetter(name))
        self.constants: dict[str, Evaluate] = {}

    def array(self, node: ast.expr) -> str:
        """Return the C text of an element of `node`, where a number becomes a constant."""
        return self._element(node, self.visit(node))

    def _element(self, node: ast.expr, value: Value) -> str:
        if value.kind == MASK:
            raise self.refuse(
                node, "a mask used as a number", "choose values with where(mask, x, y)"
            )
        return self._constant(value) if value.kind == NUMBER else value.text

    def refuse(self, node: ast.AST, what: str, allowed: str = _ON_ARRAYS) -> Exception:
        return self.reading.refuse(node, what, allowed)

    def generic_visit(self, node: ast.AST) -> Any:
        raise self.refuse(node, f"{type(node).__name__} in an expression")

    def visit_Constant(self, node: ast.Constant) -> Value:
        if node.value is not None and not isinstance(node.value, (bool, int, float)):
            raise self.refuse(node, f"the literal {node.value!r}", "literals are numbers or None")
        return Value(NUMBER, repr(node.value), lambda numbers: node.value)

    def visit_Name(self, node: ast.Name) -> Value:
        if node.id in self.names:
            return self.names[node.id]
        get = self.reading.lookup(node)
        if not isinstance(get(), (int, float)):
            raise self.refuse(
                node,
                f"{node.id!r}, which is a {type(get()).__name__}",
                "use numbers and parameters",
            )
        return Value(NUMBER, node.id, lambda numbers: get())

    def visit_Attribute(self, node: ast.Attribute) -> Value:
        constant = self._math_member(node)
        if not isinstance(constant, float):
            raise self.refuse(node, f"{ast.unparse(node)!r}", "attributes are those of math")
        return Value(NUMBER, ast.unparse(node), lambda numbers: constant)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Value:
        sign, function = _UNARY[type(node.op)]
        operand = self.visit(node.operand)
        if operand.kind == NUMBER and sign != "~":
            return self._number(function, f"({sign}{operand.text})", operand)
        if (sign, operand.kind) in {("+", ARRAY), ("-", ARRAY)}:
            return Value(ARRAY, f"({sign}{operand.text})")
        if (sign, operand.kind) == ("~", MASK):
            return Value(MASK, f"(!{operand.text})")
        raise self.refuse(node, f"{sign.strip()!r} on {operand.kind}")

    def visit_BinOp(self, node: ast.BinOp) -> Value:
        if type(node.op) not in _BINARY:
            raise self.refuse(node, f"the operator {type(node.op).__name__}")
        sign, function = _BINARY[type(node.op)]
        left, right = self.visit(node.left), self.visit(node.right)
        if left.kind == right.kind == NUMBER and sign not in "&|":
            return self._number(function, f"({left.text} {sign} {right.text})", left, right)
        if left.kind == right.kind == MASK and sign in "&|":
            return Value(MASK, f"({left.text} {sign} {right.text})")
        if MASK in (left.kind, right.kind):
            raise self.refuse(node, f"{sign!r} between {left.kind} and {right.kind}")
        if sign == "**" and left.kind == ARRAY and right.text == "2":
            return Value(ARRAY, f"FN(square)({left.text})")
        if sign == "**":
            raise self.refuse(node, "a power of an array", "write x**2, or a product for others")
        if sign not in "+-*/":
            raise self.refuse(node, f"{sign!r} on {ARRAY}")
        return Value(
            ARRAY, f"({self._element(node.left, left)} {sign} {self._element(node.right, right)})"
        )

    def visit_Compare(self, node: ast.Compare) -> Value:
        operands = [node.left, *node.comparators]
        signs = [_COMPARE.get(type(op), ("in", operator.contains)) for op in node.ops]
        values = [self.visit(operand) for operand in operands]
        if "in" in (sign for sign, _ in signs):
            raise self.refuse(node, "'in'")
        if all(value.kind == NUMBER for value in values):
            text = " ".join(
                part
                for pair in zip([""] + [s for s, _ in signs], (v.text for v in values))
                for part in pair
            )
            return self._number(_chain([function for _, function in signs]), f"({text})", *values)
        if len(signs) > 1 or signs[0][0].startswith("is"):
            raise self.refuse(
                node, f"{ast.unparse(node)!r} on arrays", "join two comparisons with &"
            )
        left, right = (self._element(*pair) for pair in zip(operands, values))
        return Value(MASK, f"({left} {signs[0][0]} {right})")

    def visit_BoolOp(self, node: ast.BoolOp) -> Value:
        name = "and" if isinstance(node.op, ast.And) else "or"
        values = [self.visit(value) for value in node.values]
        if any(value.kind != NUMBER for value in values):
            raise self.refuse(node, f"{name!r} on arrays", "join masks with & and |")
        text = f" {name} ".join(value.text for value in values)
        parts = [value.evaluate for value in values]
        return Value(NUMBER, f"({text})", _first_that_settles(parts, name == "or"))

    def visit_IfExp(self, node: ast.IfExp) -> Value:
        test, body, other = (self.visit(part) for part in (node.test, node.body, node.orelse))
        if not test.kind == body.kind == other.kind == NUMBER:
            raise self.refuse(node, "'if' on arrays", "choose elements with where(mask, x, y)")
        return Value(
            NUMBER,
            f"({body.text} if {test.text} else {other.text})",
            lambda numbers: (body if test.evaluate(numbers) else other).evaluate(numbers),
        )

    def visit_Call(self, node: ast.Call) -> Value:
        function = self._callee(node.func)
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.refuse(node, "keyword or * arguments in a call", "pass values by position")
        values = [self.visit(argument) for argument in node.args]
        if all(value.kind == NUMBER for value in values):
            text = f"{ast.unparse(node.func)}({', '.join(value.text for value in values)})"
            return self._number(function, text, *values)
        return self._array_call(node, function, values)

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
            values[1] = self._number(functions.clip_bound, f"bound {values[1].text}", values[1])
        texts = map(self._element, node.args, values)
        return Value(ARRAY, f"FN({name})({', '.join(texts)})")

    def _callee(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Attribute):
            function = self._math_member(node)
        elif isinstance(node, ast.Name) and node.id not in self.names:
            function = self.reading.lookup(node)()
        else:
            function = None
        if not callable(function) or function not in _NUMBER_FUNCTIONS:
            raise self.refuse(node, f"a call of {ast.unparse(node)!r}", _CALLS)
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
        self.constants.setdefault(value.text, value.evaluate)
        return f"k{list(self.constants).index(value.text)}"

    @staticmethod
    def _number(function: Callable[..., Any], text: str, *operands: Value) -> Value:
        parts = [operand.evaluate for operand in operands]
        return Value(NUMBER, text, lambda numbers: function(*[part(numbers) for part in parts]))


def _first_that_settles(parts: list[Evaluate], truth: bool) -> Evaluate:
    """Return the evaluation of ``or`` (truth) or ``and``: the operand that settles it."""

    def evaluate(numbers: Mapping[str, Any]) -> Any:
        value = None
        for part in parts:
            value = part(numbers)
            if bool(value) == truth:
                break
        return value

    return evaluate


def _chain(comparisons: list[Callable[[Any, Any], Any]]) -> Callable[..., bool]:
    def holds(*values: Any) -> bool:
        return all(test(x, y) for test, x, y in zip(comparisons, values, values[1:]))

    return holds
