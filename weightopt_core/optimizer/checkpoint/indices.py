"""Indices of weights as JSON keeps them."""

from __future__ import annotations

import operator
from typing import Any

from ...errors import wording


def plain_index(index: Any) -> str | int:
    """Return an index as JSON keeps it, or raise TypeError."""
    if isinstance(index, str):
        return str(index)
    try:
        return int(operator.index(index))
    except TypeError:
        raise TypeError(wording("index", "a str or an int", repr(index))) from None


def is_int(value: Any) -> bool:
    """Whether a value read from JSON is an integer."""
    return isinstance(value, int) and not isinstance(value, bool)


def by_index(what: str, pairs: Any) -> dict[Any, Any]:
    """Return pairs read from JSON by their indices; raise an error where they are none."""
    if not isinstance(pairs, list):
        raise TypeError(f"{what} that are no list")
    found = {}
    for index, value in pairs:
        if not isinstance(index, str) and not is_int(index):
            raise TypeError(f"{what} with an index that is neither a str nor an int")
        if index in found:
            raise ValueError(f"{what} with an index that is there twice")
        found[index] = value
    return found
