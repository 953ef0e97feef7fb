"""Random fills."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import threads
from ...dtypes import compute_of, storage_of
from ...kernels import random_fill
from ..intervals import bounds
from .checks import view


def fill_uniform(array: Any, key: tuple[int, int], low: float, high: float) -> None:
    """Fill with uniform numbers of ``[low, high)`` from the stream `key`."""
    dtype = view(array, "array").dtype
    narrow = min(dtype, compute_of(storage_of(dtype)), key=lambda dtype: dtype.itemsize)
    _fill(random_fill.fill_uniform, array, key, low, high, *bounds(low, high, narrow))


def fill_normal(array: Any, key: tuple[int, int], mean: float, sigma: float) -> None:
    """Fill with normal numbers from the stream `key`."""
    _fill(random_fill.fill_normal, array, key, mean, sigma)


def _fill(
    kernel: Any, array: Any, key: tuple[int, int], first: float, second: float, *limits: float
) -> None:
    flat = view(array, "array").reshape(-1)
    compute = compute_of(storage_of(flat.dtype))
    count = threads.get_num_threads()
    if flat.dtype == compute:
        kernel(flat, *key, 0, first, second, *limits, count)
        return
    drawn = np.empty(min(flat.size, 1 << 20), compute)
    for start in range(0, flat.size, drawn.size or 1):
        part = drawn[: flat.size - start]
        kernel(part, *key, start, first, second, *limits, count)
        flat[start : start + part.size] = part
