"""Euclidean norms whose bits depend neither on threads nor on devices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from . import threads
from .kernels import norm  # type: ignore[attr-defined]


def total(sums: Iterable[float]) -> float:
    """Return the sum, rounded once, of numbers none of which is below 0; infinity if too large."""
    try:
        return math.fsum(sums)
    except OverflowError:
        return math.inf


def norm_of(sums: Iterable[float]) -> float:
    """Return the norm, given the sums of squares of all parts."""
    return math.sqrt(total(sums))


def norms_of(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return for each tensor a row of norms, given a row of sums for each of its chunks."""
    return np.array([[norm_of(column) for column in part.T.tolist()] for part in parts])


def chunk_sums(array: np.ndarray) -> np.ndarray:
    """Return the sum of squares of each chunk of an array of any shape, in double."""
    flat = np.ravel(array)
    narrow = flat.dtype.name in ("float16", "bfloat16", "float32")
    flat = flat.astype(np.float32 if narrow else np.float64, copy=False)
    sums = np.empty(-(-flat.size // norm.ELEMENTS_OF_A_CHUNK))
    norm.square_sums(flat, sums, threads.get_num_threads())
    return sums
