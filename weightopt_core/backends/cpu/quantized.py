"""States in 8 bits: blocks of codes with a scale of their own, with the bits of quantized.h."""

from __future__ import annotations

import numpy as np

from ..states import BLOCK, SCALE, quantized_size
from .rounding import random_bits

#: Elements that are computed at a time on NumPy: some 20 temporaries fit a level-2 cache.
SLICE = 32 * BLOCK
_MAGNITUDE = np.uint32(0x7FFFFFFF)
_NAN = np.uint32(0x7FC00000)
_INFINITY = np.uint32(0x7F800000)
_ONE = np.uint32(0x3F800000)
_DIGITS = np.uint32(20)
_UNSIGNED_ZERO = np.uint32(761 << 20)
_SIGNED_ZERO = np.uint32(889 << 20)
_SIGNED_STEPS = np.uint32(7)
_SIGNED_LEAST = np.float32(2.0**-15)
_STEPS_OF_LEAST = np.float32(7 * 2.0**35)
_STEP = np.float32(2.0**-15 / 7)


def quantized(
    values: np.ndarray, key: tuple[int, int] | None = None, state: int = 0, start: int = 0
) -> np.ndarray:
    """Return float32 values in 8 bits.

    Parameters
    ----------
    values : numpy.ndarray
        Of any shape: the elements from `start` on, which begins a block.
    key : tuple of int, optional
        That of the weight at this update, to round stochastically; without it to nearest.
    state : int
        Which of the rule's states they are.
    start : int
        The number of the first element.

    Returns
    -------
    numpy.ndarray
        Of uint8 and one dimension.
    """
    flat = np.ascontiguousarray(values, np.float32).reshape(-1).view(np.uint32)
    half = np.full(flat.size, 0x8000, np.uint32)
    random = half if key is None else random_bits(key, state, start, flat.size)
    bits, digits = _rows(flat), _rows(random << np.uint32(4) | np.uint32(8))
    magnitudes = bits & _MAGNITUDE
    largest = magnitudes.max(axis=1)
    signs = ((bits > ~_MAGNITUDE).any(axis=1) * ~_MAGNITUDE).astype(np.uint32)
    has_none = (largest == 0) | (largest >= _INFINITY)
    scales = np.where(largest >= _INFINITY, _NAN, largest | signs)
    divisors = np.where(has_none, _ONE, largest).view(np.float32)
    with np.errstate(all="ignore"):
        parts = np.where(has_none[:, None], 0, magnitudes).astype(np.uint32).view(np.float32)
        parts /= divisors[:, None]
    signed = signs.astype(bool)[:, None]
    codes = np.where(signed, _signed(bits, parts, digits), _unsigned(magnitudes, parts, digits))
    codes[has_none] = 0
    found = np.empty((len(bits), SCALE + BLOCK), np.uint8)
    found[:, :SCALE] = scales.astype("<u4").view(np.uint8).reshape(-1, SCALE)
    found[:, SCALE:] = codes
    return found.reshape(-1)[: quantized_size(flat.size)]


def quantized_whole(values: np.ndarray) -> np.ndarray:
    """Return what `quantized` does without a key, with no copies as large as `values` are."""
    flat = values.reshape(-1)
    found = np.zeros(quantized_size(flat.size), np.uint8)
    for start in range(0, flat.size, SLICE):
        part = np.asarray(flat[start : start + SLICE], np.float32)
        if part.any():  # most states are zeros at first
            place = slice(quantized_size(start), quantized_size(start + part.size))
            found[place] = quantized(part)
    return found


def dequantized(state: np.ndarray) -> np.ndarray:
    """Return in float32 the elements of what `quantized` returned."""
    blocks = -(-state.size // (SCALE + BLOCK))
    rows = np.zeros((blocks, SCALE + BLOCK), np.uint8)
    rows.reshape(-1)[: state.size] = state
    bits = np.ascontiguousarray(rows[:, :SCALE]).view("<u4").astype(np.uint32)
    scales = (bits & _MAGNITUDE).view(np.float32)
    wide = rows[:, SCALE:].astype(np.uint32)
    sizes = wide & np.uint32(0x7F)
    linear = (sizes.astype(np.float32) * _STEP).view(np.uint32)
    signed = np.where(sizes < _SIGNED_STEPS, linear, _SIGNED_ZERO + (sizes << _DIGITS))
    signed |= (wide & np.uint32(0x80)) << np.uint32(24)
    unsigned = np.where(wide == 0, np.uint32(0), _UNSIGNED_ZERO + (wide << _DIGITS))
    with np.errstate(all="ignore"):
        parts = np.where(bits > _MAGNITUDE, signed, unsigned).view(np.float32)
        return (parts * scales).reshape(-1)[: state.size - blocks * SCALE]


def _rows(values: np.ndarray) -> np.ndarray:
    """Return words in rows of a block, the last one filled up with zeros."""
    rows = np.zeros((-(-values.size // BLOCK), BLOCK), np.uint32)
    rows.reshape(-1)[: values.size] = values
    return rows


def _unsigned(magnitudes: np.ndarray, parts: np.ndarray, digits: np.ndarray) -> np.ndarray:
    least = _UNSIGNED_ZERO + np.uint32(1 << 20)
    places = np.maximum(parts.view(np.uint32), least) - _UNSIGNED_ZERO
    return np.where(magnitudes == 0, np.uint32(0), places + digits >> _DIGITS)


def _signed(bits: np.ndarray, parts: np.ndarray, digits: np.ndarray) -> np.ndarray:
    linear = (np.minimum(parts, _SIGNED_LEAST) * _STEPS_OF_LEAST).astype(np.uint32)
    places = np.where(parts < _SIGNED_LEAST, linear, parts.view(np.uint32) - _SIGNED_ZERO)
    return (places + digits >> _DIGITS) | (bits >> np.uint32(24) & np.uint32(0x80))
