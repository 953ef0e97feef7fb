"""Whether arrays hold infinities or NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import threads
from ...dtypes import storage_of
from ...errors import wording
from ...kernels import finite
from .checks import view


def nonfinite(arrays: Sequence[Any], argument: str) -> list[int]:
    """Return the places of those arrays that hold an infinity or NaN."""
    views: list[np.ndarray] = []
    storages: list[str] = []
    for array in arrays:
        found, storage = _searched(view(array, argument), argument)
        views.append(found)
        storages.append(storage)
    return finite.nonfinite(views, storages, threads.get_num_threads())


def _searched(array: np.ndarray, argument: str) -> tuple[np.ndarray, str]:
    """Return what a kernel can look through instead of `array`, and how that is stored.

    An optimizer that computes with NumPy takes any layout, and any type of numbers.
    """
    storage = storage_of(array.dtype)
    if storage is None:
        try:
            ends = np.zeros(array.shape, np.float16)
            ends[~np.isfinite(array)] = np.nan
        except TypeError:
            expected = wording(f"dtype of {argument}", "numbers", str(array.dtype))
            raise TypeError(expected) from None
        return ends, "float16"
    flags = array.flags
    return (array if flags.c_contiguous and flags.aligned else array.copy()), storage
