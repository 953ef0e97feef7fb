"""Norms of arrays, and products with a number."""

from __future__ import annotations

from typing import Any

from ...norms import chunk_sums, total
from .blocks import BLOCK
from .checks import COMPUTE, view


def square_sum(array: Any) -> float:
    """Return the sum of the squares, in double and in an order of its own."""
    return total(chunk_sums(view(array, "array")))


def scale(array: Any, factor: float) -> None:
    """Multiply every element by `factor`, in the compute type."""
    flat = view(array, "array").reshape(-1)
    compute = COMPUTE[flat.dtype.name]
    for start in range(0, flat.size, BLOCK):
        part = flat[start : start + BLOCK]
        part[...] = part.astype(compute, copy=False) * compute.type(factor)
