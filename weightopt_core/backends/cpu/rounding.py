"""Stochastic rounding to bfloat16: in the mean of many roundings nothing is lost."""

from __future__ import annotations

import numpy as np

from ...dtypes import dtype_of

_MASK = 2**32 - 1


def rounded(values: np.ndarray, key: tuple[int, int], state: int, start: int = 0) -> np.ndarray:
    """Return float32 values rounded to bfloat16 stochastically, with the bits of rounding.h.

    Parameters
    ----------
    values : numpy.ndarray
        Of one dimension: the elements from `start` on.
    key : tuple of int
        That of the weight at this update.
    state : int
        Which of the rule's states they are.
    start : int
        The number of the first element.
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    sums = (bits + random_bits(key, state, start, bits.size)) >> np.uint32(16)
    quiet = bits >> np.uint32(16) | np.uint32(0x40)
    nan = bits & np.uint32(0x7FFFFFFF) > np.uint32(0x7F800000)
    return np.where(nan, quiet, sums).astype(np.uint16).view(dtype_of("bfloat16"))


def random_bits(key: tuple[int, int], state: int, start: int, count: int) -> np.ndarray:
    """Return 16 random bits for each element of a state from `start` on."""
    words = _words(key, state // 2, start, count)
    return words >> np.uint32(16 * (state % 2)) & np.uint32(0xFFFF)


def _words(key: tuple[int, int], pair: int, start: int, count: int) -> np.ndarray:
    """Return the random words of a pair of states."""
    index = np.arange(start, start + count, dtype=np.uint64)
    high = (index >> np.uint64(32)).astype(np.uint32)
    salts = [_salt(half, pair, high) for half in key]
    x = index.astype(np.uint32) * np.uint32(0x9E3779B9) ^ salts[0]
    x = (x ^ x >> np.uint32(16)) * np.uint32(0x7FEB352D)
    x = (x ^ x >> np.uint32(15) ^ salts[1]) * np.uint32(0x846CA68B)
    return x ^ x >> np.uint32(16)


def _salt(key: int, pair: int, high: np.ndarray) -> np.ndarray:
    first = _mix(np.full(1, (key + pair * 0x9E3779B9) & _MASK, np.uint32))
    return _mix(_mix(first ^ np.uint32(key >> 32)) + high)


def _mix(x: np.ndarray) -> np.ndarray:
    x = (x ^ x >> np.uint32(16)) * np.uint32(0x7FEB352D)
    x = (x ^ x >> np.uint32(15)) * np.uint32(0x846CA68B)
    return x ^ x >> np.uint32(16)
