"""Which server has which part of which key."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from ..optimizer import Following, HostOptimizer, Optimizer, Wrapper
from ..optimizer.guard import PROPAGATE
from ..rule import Rule
from .given import Key

#: How far keys may be taken apart: large ones into slices, from one another, or not at all.
SLICES, KEYS, WHOLE = LAYOUTS = ("slices", "keys", "whole")
#: From so many elements on a key is cut into slices.
LARGE = 10**6


class Part(NamedTuple):
    """What a server has of a key: the elements from `begin` to `end`, in a row if it is a slice."""

    server: int
    begin: int
    end: int
    is_slice: bool


def layout_of(optimizer: Optimizer) -> str:
    """Return how far the keys that an optimizer updates may be taken apart.

    Into slices where each element is updated by itself: by a rule without reductions and without
    noise, which follows from the place of an element. From one another where each weight is.
    """
    if optimizer.inner:
        if not (isinstance(optimizer, Wrapper) and optimizer.by_weight):
            return WHOLE
        layouts = [layout_of(one) for one in optimizer.inner]
        if isinstance(optimizer, Following) and not _is_by_element(optimizer.follows):
            layouts.append(KEYS)
        return max(layouts, key=LAYOUTS.index)
    if optimizer.on_nonfinite != PROPAGATE:
        return WHOLE  # one gradient decides about all of a call
    if isinstance(optimizer, HostOptimizer):
        of_one = type(optimizer).compute_all is HostOptimizer.compute_all
        return KEYS if of_one else WHOLE
    if type(optimizer).update is not Optimizer.update:
        return WHOLE if getattr(type(optimizer).update, "takes_lists", False) else KEYS
    is_apart = optimizer.rule is None or _is_by_element(optimizer.rule)
    return SLICES if is_apart and optimizer.state_dtype is None else KEYS


def _is_by_element(rule: Rule) -> bool:
    return not rule.lowered.reductions and not rule.draws


def parts(key: Key, size: int, layout: str, servers: int) -> list[Part]:
    """Return where the elements of a key are, in their order."""
    if layout == SLICES and size >= LARGE and servers > 1:
        bounds = [size * i // servers for i in range(servers + 1)]
        return [Part(i, bounds[i], bounds[i + 1], True) for i in range(servers)]
    return [Part(0 if layout == WHOLE else _server(key, servers), 0, size, False)]


def _server(key: Key, servers: int) -> int:
    """Return a number that is the same in every process; ints are spread as in MXNet."""
    return (key * 9973 if isinstance(key, int) else zlib.crc32(key.encode())) % servers
