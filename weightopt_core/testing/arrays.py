"""Arrays of every kind that the installed backends take, and numbers to put into them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..dtypes import STORAGE, dtype_of, is_half

#: Values that arithmetic treats in a special way: signed zeros, denormals, extremes, non-numbers.
SPECIAL = [0.0, -0.0, 1e-45, -1e-45, 1e-38, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan, 1.0, -1.0]


@dataclass(frozen=True)
class Maker:
    """How to make the arrays of one device, and to look at them.

    Parameters
    ----------
    name : str
        What checks call the device.
    make : callable
        Takes a NumPy array and returns one of the device, with the same elements, in memory of
        its own that kernels may write to.
    host : callable
        Takes an array of the device and returns a NumPy array with the same elements; a copy.
    dtypes : sequence of numpy.dtype
        Storage types that weights on the device may have.
    spoilt : dict of str to callable
        Like `make`, by what is wrong with the array that is returned, ``"strided"`` for one.
        Whatever writes to such an array has to refuse it.
    """

    name: str
    make: Callable[[np.ndarray], Any]
    host: Callable[[Any], np.ndarray]
    dtypes: Sequence[np.dtype[Any]]
    spoilt: Mapping[str, Callable[[np.ndarray], Any]] = field(default_factory=dict)

    def full(self) -> list[np.dtype[Any]]:
        """Return the storage types that are compute types too: float32 and float64."""
        return [dtype for dtype in self.dtypes if not is_half(dtype)]

    def half(self) -> list[np.dtype[Any]]:
        """Return the storage types of 16 bits."""
        return [dtype for dtype in self.dtypes if is_half(dtype)]


def storage_types() -> list[np.dtype[Any]]:
    """Return the types that weights may have; bfloat16 where ml_dtypes is installed."""
    found = []
    for name in STORAGE:
        with contextlib.suppress(ImportError):
            found.append(dtype_of(name))
    return found


def _strided(values: np.ndarray) -> np.ndarray:
    spread = np.zeros((*values.shape, 2), values.dtype)
    spread[..., 0] = values
    return spread[..., 0]


def _read_only(values: np.ndarray) -> np.ndarray:
    array = values.copy()
    array.flags.writeable = False
    return array


def _misaligned(values: np.ndarray) -> np.ndarray:
    memory = bytearray(values.nbytes + 1)
    array = np.frombuffer(memory, values.dtype, values.size, 1).reshape(values.shape)
    array[...] = values
    return array


def cpu() -> list[Maker]:
    """Return the maker of NumPy arrays."""
    spoilt = {"strided": _strided, "read-only": _read_only, "misaligned": _misaligned}
    return [Maker("cpu", np.copy, np.copy, storage_types(), spoilt)]


_SOURCES: list[Callable[[], list[Maker]]] = [cpu]


def add_makers(source: Callable[[], list[Maker]]) -> None:
    """Let the checks run on further devices.

    Parameters
    ----------
    source : callable
        Returns a maker for each device that is present; it is called once, when first needed.
    """
    _SOURCES.append(source)
    makers.cache_clear()


@functools.lru_cache(maxsize=1)
def makers() -> tuple[Maker, ...]:
    """Return the makers of every device that is present."""
    return tuple(maker for source in _SOURCES for maker in source())


def wild(rng: np.random.Generator, shape: Any, dtype: Any) -> np.ndarray:
    """Return numbers over 35 orders of magnitude, special values among them."""
    values = rng.normal(size=shape) * 10.0 ** rng.integers(-32, 4, shape)
    count = min(values.size, len(SPECIAL))
    values.reshape(-1)[:count] = SPECIAL[:count]
    with np.errstate(over="ignore"):
        return values.astype(dtype)


def same_bits(x: Any, y: Any) -> bool:
    """Whether two arrays are equal bit for bit, where any NaN equals any NaN."""
    nan = np.isnan(x) & np.isnan(y)
    return bool(np.all(nan | ((x == y) & (np.signbit(x) == np.signbit(y)))))
