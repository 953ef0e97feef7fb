"""Algorithms on the command line: ``warmup(warmup_steps=100):cosine(max_update=900)``.

A part is a name, or a name with arguments as Python writes them; nothing of it is executed. After a
colon stands what the part before holds. Names and brackets may be values too:
``sequence(schedules=[linear(max_update=9), constant], step=[9])``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from .. import lr_scheduler
from ..errors import wording
from ..written import is_json

#: The argument for what stands after a colon, unless it is another one.
SCHEDULE = "schedule"
_NAME = re.compile(r"[\w.-]+")
_FORM = "NAME or NAME(ARGUMENT=VALUE, ...), and after a colon what it holds"


def create(text: str, given: dict[str, Any]) -> Any:
    """Return the scheduler that `text` stands for.

    Parameters
    ----------
    text : str
        As above; or what ``dumps()`` returned, which has all its arguments.
    given : dict of str to object
        Further arguments; each goes to the first part that takes it, from the left.
    """
    if is_json(text):
        return lr_scheduler.create(text, **given)
    first = read(text)
    for argument, value in given.items():
        name, arguments = next((part for part in _parts(first) if _takes(part, argument)), first)
        if argument in arguments:
            raise ValueError(wording(argument, "one value", f"another one in brackets of {name}"))
        arguments[argument] = value
    return lr_scheduler.create(first[0], **first[1])


def read(text: str, held: str = SCHEDULE) -> list[Any]:
    """Return name and arguments, in the form that nested algorithms are given in.

    What stands after a colon becomes the argument `held` of the part before.
    """
    ends = [at for at, letter in enumerate(text) if letter == ":"]
    for end in [*ends, len(text)]:  # a colon may be within brackets
        part = _part(text[:end].strip())
        if part is not None:
            break
    else:
        raise ValueError(wording(held, _FORM, repr(text)))
    if end < len(text):
        if held in part[1]:
            got = f"another one in brackets of {part[0]}"
            raise ValueError(wording(held, "one value", got))
        part[1][held] = read(text[end + 1 :], held)
    return part


def _part(text: str) -> list[Any] | None:
    """Return name and arguments of a part; None where it is none."""
    name, bracket, rest = text.partition("(")
    if not _NAME.fullmatch(name.strip()):
        return None
    if not bracket:
        return [name, {}]
    try:
        node = ast.parse(f"_({rest}", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return [name.strip(), _arguments(name, node)] if _is_call(node) else None


def _is_call(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def _arguments(name: str, call: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg in found:
            raise ValueError(wording(keyword.arg, "one value", f"two in brackets of {name}"))
        found[keyword.arg] = _value(keyword.arg, keyword.value)
    if call.args or None in found:
        got = repr(ast.unparse(call)[len(call.func.id) :])
        raise ValueError(wording(name, "ARGUMENT=VALUE in brackets", got))
    return found


def _value(argument: str, node: Any) -> Any:
    if _is_call(node):
        return [node.func.id, _arguments(node.func.id, node)]
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(argument, item) for item in node.elts]
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        got = repr(ast.unparse(node))
        expected = "a number, a word, a list of these or NAME(...)"
        raise ValueError(wording(argument, expected, got)) from None


def _parts(part: Any) -> Iterator[list[Any]]:
    """Yield a part, and those that stand after its colons."""
    while isinstance(part, list):
        yield part
        part = part[1].get(SCHEDULE)


def _takes(part: list[Any], argument: str) -> bool:
    cls: Any = lr_scheduler.registry.find(part[0])
    return argument in cls.hyperparameters
