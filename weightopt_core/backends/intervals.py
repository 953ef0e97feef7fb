"""Intervals of numbers that are stored in fewer digits than they were given."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import compute_of, storage_of
from ..errors import wording


def bounds(low: float, high: float, stored: np.dtype[Any]) -> tuple[float, float]:
    """Return the least and the largest number of a type that are in ``[low, high)``.

    Where the type has none there, both are its number nearest to `low`.

    Raises
    ------
    ValueError
        An end, or the width, is beyond the largest number that is stored or computed with.
    """
    nearest, top = _held("ends", [low, high], stored)
    _held("width", [high - low], compute_of(storage_of(stored)))
    bottom = np.nextafter(nearest, stored.type(np.inf)) if float(nearest) < low else nearest
    if float(top) >= high:
        top = np.nextafter(top, stored.type(-np.inf))
    if bottom > top:
        bottom = top = nearest
    return float(bottom), float(top)


def _held(what: str, numbers: list[float], dtype: np.dtype[Any]) -> np.ndarray:
    with np.errstate(over="ignore"):
        held = np.array(numbers).astype(dtype)
    if not np.isfinite(held.astype(np.float64)).all():
        expected = f"what {dtype.name} holds"
        got = " and ".join(map(str, numbers))
        remedy = "take a smaller scale"
        raise ValueError(wording(f"{what} of the interval", expected, got, remedy))
    return held
