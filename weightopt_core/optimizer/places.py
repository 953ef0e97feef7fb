"""Lists of one step, taken apart; without a loop in Python where nothing differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from ..errors import wording


def parted(states: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return the first parts of states that are pairs, and the second ones.

    Raises
    ------
    ValueError
        A state is no pair.
    """
    if {*map(type, states)} != {tuple} or {*map(len, states)} != {2}:
        wrong = next(s for s in states if type(s) is not tuple or len(s) != 2)
        expected = "a pair: what the wrapper keeps, and the state of what it holds"
        remedy = "pass what create_state returned"
        raise ValueError(wording("state", expected, repr(wrong)[:80], remedy))
    return tuple(map(itemgetter(0), states)), tuple(map(itemgetter(1), states))


def grouped(keys: Sequence[Any]) -> dict[Any, list[int]]:
    """Return the places of each key."""
    if len({*keys}) == 1:  # nearly always
        return {keys[0]: list(range(len(keys)))}
    places: dict[Any, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return places


def picker(places: Sequence[int], size: int) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Return a function from lists of `size` to the items at some places."""
    if len(places) == size:
        return lambda values: values
    if len(places) == 1:
        return lambda values: (values[places[0]],)
    return itemgetter(*places)
