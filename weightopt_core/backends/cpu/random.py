"""Random fills."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import threads
from ...kernels import random  # type: ignore[attr-defined]
from .checks import COMPUTE, view


def fill_uniform(array: Any, key: tuple[int, int], low: float, high: float) -> None:
    """Fill with uniform numbers of ``[low, high)`` from the stream `key`."""
    _fill(random.fill_uniform, array, key, low, high)


def fill_normal(array: Any, key: tuple[int, int], mean: float, sigma: float) -> None:
    """Fill with normal numbers from the stream `key`."""
    _fill(random.fill_normal, array, key, mean, sigma)


def _fill(kernel: Any, array: Any, key: tuple[int, int], first: float, second: float) -> None:
    flat = view(array, "array").reshape(-1)
    compute = COMPUTE.get(flat.dtype.name, np.dtype(np.float32))
    if flat.dtype == compute:
        kernel(flat, key, 0, first, second, threads.get_num_threads())
        return
    block = np.empty(min(flat.size, 1 << 20), compute)
    for start in range(0, flat.size, block.size or 1):
        part = block[: flat.size - start]
        kernel(part, key, start, first, second, threads.get_num_threads())
        flat[start : start + part.size] = part
