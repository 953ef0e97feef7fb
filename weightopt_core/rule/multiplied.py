"""The function of a rule with powers that have the same bits on every machine.

Python forms a power of floats by the C library's ``pow``, whose last bit depends on the library and
on the processor. So `power` takes the place of the operator, and of `math.pow`; all else is as
written, line by line.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any

from .functions import math_pow, power
from .identity import FUTURE, codes
from .reading import Reading
from .scope import Scope

#: What the function closes over beside its own; no name in a source is like these.
_GIVEN: dict[str, Callable[..., Any]] = {"<power>": power, "<math.pow>": math_pow}


def with_powers(reading: Reading) -> Callable[..., Any]:
    """Return the function of a rule, which has been checked, with its powers formed by `power`.

    The syntax tree is changed. A rule without powers has its own function.
    """
    function, code = reading.function, reading.function.__code__
    if not _replace(reading):
        return function
    names = [*code.co_freevars, *_GIVEN]
    outer = ast.parse("def outer(): 0").body[0]
    assert isinstance(outer, ast.FunctionDef)
    outer.args.args = [ast.arg(name) for name in names]
    outer.body, reading.node.decorator_list = [reading.node], []
    tree = ast.fix_missing_locations(ast.Module([outer], []))
    made = compile(tree, code.co_filename, "exec", code.co_flags & FUTURE, dont_inherit=True)
    for name in ("outer", code.co_name):
        made = next(inner for inner in codes(made) if inner.co_name == name)
    own = zip(code.co_freevars, function.__closure__ or ())
    cells = {**{name: CellType(given) for name, given in _GIVEN.items()}, **dict(own)}
    closure = tuple(cells[name] for name in made.co_freevars)
    changed = FunctionType(made, function.__globals__, function.__name__, None, closure)
    changed.__qualname__ = function.__qualname__
    return changed


def _replace(reading: Reading) -> bool:
    """Put calls in the place of powers; return whether there are any."""
    scope, found = Scope(reading, _own(reading)), False
    nodes = [node for statement in reading.statements for node in ast.walk(statement)]
    # Without recursion; what is nested comes first.
    for parent in reversed(nodes):
        for name, value in ast.iter_fields(parent):
            parts = value if isinstance(value, list) else [value]
            made = [_in_place_of(part, scope) for part in parts]
            if any(one is not part for one, part in zip(made, parts)):
                setattr(parent, name, made if isinstance(value, list) else made[0])
                found = True
    return found


def _in_place_of(node: Any, scope: Scope) -> Any:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return _call("<power>", [node.left, node.right], node)
    if isinstance(node, ast.Call) and _is_pow(node.func, scope):
        return _call("<math.pow>", node.args, node)
    return node


def _is_pow(function: ast.expr, scope: Scope) -> bool:
    if isinstance(function, ast.Name) and function.id in _GIVEN:
        return False
    return scope.callee(function)[1] is math.pow


def _call(name: str, operands: list[ast.expr], node: ast.expr) -> ast.Call:
    function = ast.copy_location(ast.Name(name, ast.Load()), node)
    return ast.copy_location(ast.Call(function, operands, []), node)


def _own(reading: Reading) -> set[str]:
    """Return the names that are the rule's own."""
    stored = (part for part in ast.walk(reading.node) if isinstance(part, ast.Name))
    names = {part.id for part in stored if isinstance(part.ctx, ast.Store)}
    return names | {*reading.arrays, *reading.numbers}
