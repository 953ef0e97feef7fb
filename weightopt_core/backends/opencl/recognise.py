"""By what the arrays of a step are recognised in the next one."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pyopencl.array import Array

from ...engine.recognise_objects import Objects

#: The attributes of an array that a step depends on; `check` sees to it that their values are of
#: types that never change.
WATCHED = ("queue", "base_data", "offset", "shape", "strides", "dtype", "size", "nbytes")


def seen_of(given: list[list[Any]]) -> Objects | None:
    """Return what recognises the arrays of a step; None where some may change unnoticed."""
    flat = [array for arrays in given for array in arrays]
    if all(_keeps_attributes(type(a)) and "events" in vars(a) for a in flat):  # type: ignore[arg-type]
        return Objects(given, WATCHED, "events")
    return None


@lru_cache(64)
def _keeps_attributes(kind: Any) -> bool:
    """Whether the attributes of arrays of that type are what their dictionary holds."""
    own = issubclass(kind, Array) and kind.__getattribute__ is Array.__getattribute__
    return own and not any(hasattr(kind, name) for name in (*WATCHED, "events"))
