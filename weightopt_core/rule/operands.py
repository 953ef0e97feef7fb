"""What a rule's expressions are made of: the syntax that is allowed, and the operands of each."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from .language import BINARY, COMPARE, ON_ARRAYS
from .reading import Reading
from .scope import Scope

_OPERANDS: dict[type, Callable[[Any], list[ast.expr]]] = {
    ast.Constant: lambda node: [],
    ast.Name: lambda node: [],
    ast.Attribute: lambda node: [],
    ast.UnaryOp: lambda node: [node.operand],
    ast.BinOp: lambda node: [node.left, node.right],
    ast.Compare: lambda node: [node.left, *node.comparators],
    ast.BoolOp: lambda node: node.values,
    ast.IfExp: lambda node: [node.test, node.body, node.orelse],
    ast.Call: lambda node: node.args,
}


def operands_of(node: ast.expr, reading: Reading, scope: Scope) -> list[ast.expr]:
    """Return what is to be evaluated before `node`, or raise where a rule may not contain it."""
    if type(node) not in _OPERANDS:
        raise reading.refuse(node, f"{type(node).__name__} in an expression", ON_ARRAYS)
    if isinstance(node, ast.BinOp) and type(node.op) not in BINARY:
        raise reading.refuse(node, f"the operator {type(node.op).__name__}", ON_ARRAYS)
    if isinstance(node, ast.Compare) and not all(type(op) in COMPARE for op in node.ops):
        raise reading.refuse(node, "'in'", ON_ARRAYS)
    if isinstance(node, ast.Call):
        scope.callee(node.func)
        if node.keywords or any(isinstance(part, ast.Starred) for part in node.args):
            what = "keyword or * arguments in a call"
            raise reading.refuse(node, what, "pass values by position")
    return _OPERANDS[type(node)](node)
