"""Intervals of numbers that are stored in fewer digits than they were given."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import wording


def bounds(low: float, high: float, stored: np.dtype[Any]) -> tuple[float, float]:
    """Return the least and the largest number of a type that are in ``[low, high)``.

    Where the type has none there, both are its number nearest to `low`.

    Raises
    ------
    ValueError
        An end is beyond the largest number of the type.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        ends = np.array([low, high]).astype(stored)
    if not np.isfinite(ends.astype(np.float64)).all():
        expected = f"numbers that {stored.name} holds"
        remedy = "take a smaller scale"
        raise ValueError(wording("ends of the interval", expected, f"{low} and {high}", remedy))
    nearest, top = ends
    bottom = np.nextafter(nearest, stored.type(np.inf)) if float(nearest) < low else nearest
    if float(top) >= high:
        top = np.nextafter(top, stored.type(-np.inf))
    if bottom > top:
        bottom = top = nearest
    return float(bottom), float(top)
