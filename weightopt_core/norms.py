"""Euclidean norms whose bits depend neither on threads nor on devices.

Squares are summed in double. Where the sum is too large for a double, or so small that squares have
lost digits, the values are measured again, multiplied by a power of two, which changes no digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle

import numpy as np

from . import threads
from .dtypes import STORAGE, storage_of
from .kernels import norm

#: The least sum of squares that is as good as any: what 2**40 squares below the normal numbers of
#: double lose is less than its last digit.
LEAST = 2.0**-960
#: Between them these bring every sum of squares of finite numbers into the range.
UP, DOWN = 2.0**600, 2.0**-600


def total(sums: Iterable[float]) -> float:
    """Return the sum, rounded once, of numbers none of which is below 0.

    It is infinity if it is too large, and NaN if one of them is NaN.
    """
    sums = list(sums)
    try:
        return math.fsum(sums)
    except OverflowError:
        return math.nan if any(map(math.isnan, sums)) else math.inf


def scale_for(square: float) -> float:
    """Return by what values are to be multiplied, given their sum of squares; mostly 1."""
    return UP if square < LEAST else DOWN if square == math.inf else 1.0


def norm_by(measure: Callable[[float], Iterable[float]]) -> float:
    """Return the norm of values, finite wherever it is.

    Parameters
    ----------
    measure : callable
        It takes a factor, and returns the sums of squares of all parts of the values times that.
    """
    square = total(measure(1.0))
    scale = scale_for(square)
    if scale != 1.0:
        square = total(measure(scale))
    return math.sqrt(square) / scale


def scales_of(sums: Sequence[np.ndarray], wide: Sequence[bool]) -> np.ndarray | None:
    """Return by what the values of tensors are to be multiplied and measured again, if they are.

    Parameters
    ----------
    sums : sequence of numpy.ndarray
        For each tensor a row for each of its chunks: the sum of squares for each norm.
    wide : sequence of bool
        Which tensors are computed in double; the squares of others are all in its range.

    Returns
    -------
    numpy.ndarray or None
        A row for each tensor, with a factor for each norm; None where all are 1.
    """
    if not any(wide):
        return None
    scales = np.array(
        [
            [scale_for(total(column)) if is_wide else 1.0 for column in part.T.tolist()]
            for part, is_wide in zip(sums, wide, strict=True)
        ]
    )
    return None if (scales == 1.0).all() else scales


def norms_of(sums: Sequence[np.ndarray], scales: np.ndarray | None) -> np.ndarray:
    """Return for each tensor a row of norms, given sums and scales as in `scales_of`."""
    rows = np.ones((len(sums), 1)) if scales is None else scales
    return np.array(
        [
            [math.sqrt(total(column)) / scale for column, scale in zip(part.T.tolist(), cycle(row))]
            for part, row in zip(sums, rows.tolist())
        ]
    )


def norm_of(array: np.ndarray) -> float:
    """Return the norm of an array of any shape."""
    return norm_by(lambda scale: chunk_sums(array, scale))


def chunk_sums(array: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Return the sum of squares of each chunk of an array of any shape, in double.

    All are multiplied by `scale` before.
    """
    flat = np.ravel(array)
    storage = storage_of(flat.dtype) or "float64"
    if STORAGE[storage].itemsize == 2:
        flat = flat.view(np.uint16)
    else:
        flat = flat.astype(storage, copy=False)
    sums = np.empty(-(-flat.size // norm.ELEMENTS_OF_A_CHUNK))
    norm.square_sums(flat, storage == "bfloat16", scale, sums, threads.get_num_threads())
    return sums
