"""Algorithms as JSON text, a name and arguments: ``["adam", {"learning_rate": 0.1}]``.

The text may be anybody's: it names classes that are registered or installed, and holds numbers,
words and lists. A key that is there twice, a number that is not finite, and what is nested too deep
are refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from .errors import wording


def dumps(name: str, arguments: Mapping[str, Any]) -> str:
    """Return the text of an algorithm by its name and its arguments."""
    return json.dumps([name, arguments], allow_nan=False)


def read(kind: str, text: Any) -> tuple[str, dict[str, Any]] | None:
    """Return the name and the arguments that text, or the list it stands for, has.

    Parameters
    ----------
    kind : str
        What is written, for messages.
    text : str or list
        What `dumps` returned, or that parsed.

    Returns
    -------
    tuple or None
        None where it is no such thing: a plain name, or an error for who wants a name.

    Raises
    ------
    ValueError
        It begins as such text does, and is none.
    """
    found = text
    if isinstance(text, str):
        if not is_json(text):
            return None
        try:
            found = parsed(text)
        except (ValueError, RecursionError) as error:
            raise _unreadable(kind, text, str(error)) from None
    match found:
        case [str(name), dict(arguments)]:
            return name, arguments
    if isinstance(text, str):
        raise _unreadable(kind, text, "")
    return None


def is_json(text: str) -> bool:
    """Whether text is to be read as JSON: a plain name begins with neither bracket."""
    return text.lstrip()[:1] in ("[", "{")


def parsed(text: str | bytes) -> Any:
    """Return what JSON text stands for; raise ValueError or RecursionError."""
    return json.loads(text, object_pairs_hook=_object, parse_constant=_finite, parse_float=_finite)


def plain(argument: str, value: Any) -> Any:
    """Return a value as JSON keeps it and as a hyperparameter takes it back, or raise TypeError."""
    if isinstance(value, float) and not math.isfinite(value):
        raise TypeError(wording(argument, "a finite number", repr(value)))
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(argument, item) for item in value]
    if isinstance(value, Mapping):
        return [[plain(argument, part) for part in item] for item in value.items()]
    if hasattr(value, "tolist"):  # arrays and numbers of NumPy, whose dumps() is a pickle
        return plain(argument, value.tolist())
    if hasattr(value, "dumps"):
        return json.loads(value.dumps())
    expected = "numbers, words, lists, or an algorithm that is registered or installed"
    raise TypeError(wording(argument, f"what can be written down: {expected}", repr(value)))


def _unreadable(kind: str, text: Any, why: str) -> ValueError:
    expected = 'a name, or what dumps() returned: ["name", {"argument": value}]'
    return ValueError(wording(kind, expected, repr(text)[:200], why))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key of JSON that is there twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]}")
    return number
