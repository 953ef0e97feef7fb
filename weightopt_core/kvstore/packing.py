"""Several arrays in one buffer: a message has one, however many keys it is about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

#: Every array begins at a multiple of it, so that it is aligned in any type.
_ALIGNED = 16

Form = tuple[tuple[int, ...], "np.dtype[Any]"]


def pack(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Return arrays in one buffer; a single contiguous one is not copied."""
    if len(arrays) == 1:
        return np.ascontiguousarray(arrays[0]).reshape(-1).view(np.uint8)
    begins, size = _places([array.nbytes for array in arrays])
    buffer = np.empty(size, np.uint8)
    for begin, array in zip(begins, arrays):
        into = buffer[begin : begin + array.nbytes].view(array.dtype)
        into.reshape(array.shape)[...] = array
    return buffer


def unpack(buffer: np.ndarray, forms: Sequence[Form]) -> list[np.ndarray]:
    """Return views of the arrays of given shapes and dtypes in a buffer."""
    sizes = [math.prod(shape) * dtype.itemsize for shape, dtype in forms]
    begins, size = _places(sizes)
    if buffer.dtype != np.uint8 or buffer.shape != (size,):
        raise ValueError(f"a message of {buffer.nbytes} bytes, expected one of {size}")
    found = []
    for begin, nbytes, (shape, dtype) in zip(begins, sizes, forms):
        found.append(buffer[begin : begin + nbytes].view(dtype).reshape(shape))
    return found


def _places(sizes: Sequence[int]) -> tuple[list[int], int]:
    """Return where each array begins, and where the last one ends."""
    begins, end = [], 0
    for size in sizes:
        begin = -(-end // _ALIGNED) * _ALIGNED
        begins.append(begin)
        end = begin + size
    return begins, end
