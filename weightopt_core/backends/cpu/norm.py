"""Norms of arrays, and products with a number."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from ... import threads
from ...dtypes import storage_of
from ...kernels import reduction, scaling
from ...kernels import square_sums as kernel
from ...reductions import chunks_of, total_of
from .checks import view


def square_sum(array: Any, scale: float = 1.0) -> float:
    """Return the sum of the squares, in double and in an order of its own.

    Every element is multiplied by `scale` before, in double too.
    """
    return total_of(chunks_of(view(array, "array"), reduction.SQUARES, scale))


def square_sums(arrays: Sequence[Any], scale: float = 1.0) -> list[float]:
    """Return what `square_sum` does for each of arrays that `check` returned, in one pass."""
    storages = [storage_of(array.dtype) or "" for array in arrays]
    sums = kernel.sum_squares(list(arrays), storages, scale, threads.get_num_threads())
    # Most small arrays have one chunk, whose sum is theirs.
    return [own[0] if len(own) == 1 else total_of(own) for own in sums]


def scale(arrays: Sequence[Any], factors: Sequence[float]) -> None:
    """Multiply every element of all arrays by each factor in turn, in the compute type.

    No Python runs meanwhile, and nothing can fail: all are scaled, or none.
    """
    views = [view(array, "array") for array in arrays]
    storages = [storage_of(array.dtype) or "" for array in views]
    scaling.scale(views, storages, list(factors), threads.get_num_threads())


def factors_in_step() -> int:
    """Return by how many numbers a step multiplies gradients: by any number of them."""
    return sys.maxsize


def extent_of(array: Any) -> tuple[Any, int, int]:
    """Return the memory that holds the elements: which, where they begin, and where they end."""
    array = view(array, "array")
    begin = array.__array_interface__["data"][0]
    return "host", begin, begin + array.nbytes
