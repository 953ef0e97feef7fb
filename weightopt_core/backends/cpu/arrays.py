"""New arrays in host memory, and copies."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import dtypes
from .checks import view


def is_half(array: Any) -> bool:
    """Whether the array is stored in 16 bits."""
    return dtypes.is_half(view(array, "weight").dtype)


def zeros_like(array: Any) -> np.ndarray:
    """Return zeros of the shape and dtype of `array`."""
    array = view(array, "weight")
    return np.zeros(array.shape, array.dtype)


def to_float32(array: Any) -> np.ndarray:
    """Return a float32 copy."""
    return np.array(view(array, "weight"), np.float32, order="C")


def to_bfloat16(array: Any) -> np.ndarray:
    """Return a copy in bfloat16, rounded to nearest."""
    return to_float32(array).astype(dtypes.dtype_of("bfloat16"))


def duplicate(array: Any) -> np.ndarray:
    """Return a copy."""
    return np.array(view(array, "weight"), order="C")


def place(values: np.ndarray, array: Any) -> Any:
    """Return `values` as an array where `array` is."""
    return values


def fill(array: Any, value: float) -> None:
    """Set every element."""
    view(array, "array")[...] = value


def copy(array: Any, values: Any) -> None:
    """Copy `values`, from the host and of the same shape, into `array`."""
    view(array, "array")[...] = values


def to_host(array: Any) -> np.ndarray:
    """Return the elements as a NumPy array."""
    return view(array, "array")
