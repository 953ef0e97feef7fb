"""Norms of arrays, and products with a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import threads
from ...dtypes import storage_of
from ...kernels import reduction, scaling
from ...reductions import chunks_of, total_of
from .checks import view


def square_sum(array: Any, scale: float = 1.0) -> float:
    """Return the sum of the squares, in double and in an order of its own.

    Every element is multiplied by `scale` before, in double too.
    """
    return total_of(chunks_of(view(array, "array"), reduction.SQUARES, scale))


def scale(arrays: Sequence[Any], factors: Sequence[float]) -> None:
    """Multiply every element of all arrays by each factor in turn, in the compute type.

    No Python runs meanwhile, and nothing can fail: all are scaled, or none.
    """
    views = [view(array, "array") for array in arrays]
    storages = [storage_of(array.dtype) or "" for array in views]
    scaling.scale(views, storages, list(factors), threads.get_num_threads())


def extent_of(array: Any) -> tuple[Any, int, int]:
    """Return the memory that holds the elements: which, where they begin, and where they end."""
    array = view(array, "array")
    begin = array.__array_interface__["data"][0]
    return "host", begin, begin + array.nbytes
