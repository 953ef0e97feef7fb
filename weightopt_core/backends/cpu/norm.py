"""Norms of arrays, and products with a number."""

from __future__ import annotations

from typing import Any

from ...dtypes import compute_of, storage_of
from ...norms import chunk_sums, total
from .checks import view
from .interpreted import SLICE


def square_sum(array: Any, scale: float = 1.0) -> float:
    """Return the sum of the squares, in double and in an order of its own.

    Every element is multiplied by `scale` before, in double too.
    """
    return total(chunk_sums(view(array, "array"), scale))


def scale(array: Any, factor: float) -> None:
    """Multiply every element by `factor`, in the compute type."""
    flat = view(array, "array").reshape(-1)
    compute = compute_of(storage_of(flat.dtype))
    for start in range(0, flat.size, SLICE):
        part = flat[start : start + SLICE]
        part[...] = part.astype(compute, copy=False) * compute.type(factor)


def extent_of(array: Any) -> tuple[Any, int, int]:
    """Return the memory that holds the elements: which, where they begin, and where they end."""
    array = view(array, "array")
    begin = array.__array_interface__["data"][0]
    return "host", begin, begin + array.nbytes
