"""What may be wrong with an array that the caller passed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dtypes import STORAGE, is_real, name_of, storage_of
from ...errors import wording
from .sharing import exports, or_bridge, plain, shared


def accepts(array: Any) -> bool:
    """Whether `array` is a NumPy array, or says that it shares its memory."""
    return issubclass(type(array), np.ndarray) or exports(array)


def view(array: Any, argument: str) -> np.ndarray:
    """Return `array` as an exact `numpy.ndarray` over the same memory.

    What a subclass does when it is indexed or computed with is thus left behind.

    Raises
    ------
    TypeError
        It does not share its memory, or not with the host.
    ValueError
        Some of its elements are masked.
    """
    if type(array) is np.ndarray:
        return array
    if issubclass(type(array), np.ndarray):
        return plain(array, argument)
    if not exports(array):
        raise TypeError(wording(argument, "an array in host memory", type(array).__name__))
    return shared(array, argument)


def view_to_write(array: Any, argument: str) -> np.ndarray:
    """Return what `view` does, or raise ValueError where another package keeps it read-only."""
    found = view(array, argument)
    if not found.flags.writeable and not isinstance(array, np.ndarray):
        got = f"{type(array).__name__}, which is read-only"
        remedy = f"pass a copy, numpy.array(...){or_bridge(array)}"
        raise ValueError(wording(argument, "a writable array", got, remedy))
    return found


def check(
    array: Any,
    argument: str,
    shape: Any = None,
    dtypes: Any = STORAGE,
    written: bool = True,
    remedy: str = "",
) -> Any:
    """Return a view that a kernel may use, as `weightopt_core.backends.interface` says."""
    if type(array) is np.ndarray and shape is None and dtypes is STORAGE:
        # Most are as they have to be; lists are long, and each question about an array takes time.
        flags = array.flags
        is_plain = flags.carray if written else flags.c_contiguous and flags.aligned
        if is_plain and storage_of(array.dtype):
            return array
    array = (view_to_write if written else view)(array, argument)
    if shape is not None and array.shape != shape:
        raise ValueError(wording(f"shape of {argument}", f"{shape}", f"{array.shape}"))
    expected = "real numbers" if dtypes is None else " or ".join(dtypes)
    native = array.dtype if array.dtype.isnative else array.dtype.newbyteorder("=")
    name = name_of(native)
    if not (is_real(native) if dtypes is None else name in dtypes):
        hint = remedy if name else ""
        raise TypeError(wording(f"dtype of {argument}", expected, str(array.dtype), hint))
    if not array.dtype.isnative:
        raise TypeError(wording(f"dtype of {argument}", f"native {expected}", str(array.dtype)))
    if not array.flags.c_contiguous:
        remedy = "make it contiguous where it is made" if written else "pass a contiguous copy"
        raise ValueError(wording(argument, "a C-contiguous array", "a strided one", remedy))
    if not array.flags.aligned:
        raise ValueError(wording(argument, "an aligned array", "one at an odd address"))
    if written and not array.flags.writeable:
        raise ValueError(wording(argument, "a writable array", "a read-only one"))
    return array
