"""What may be wrong with an array that the caller passed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import wording

#: Storage types of weights, and the compute type of each.
COMPUTE: dict[str, np.dtype[Any]] = {
    "float16": np.dtype(np.float32),
    "bfloat16": np.dtype(np.float32),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
}


def accepts(array: Any) -> bool:
    """Whether `array` is in host memory that NumPy can share."""
    return isinstance(array, np.ndarray) or _shares_memory(array)


def view(array: Any, argument: str) -> np.ndarray:
    """Return `array` as a NumPy array over the same memory."""
    if isinstance(array, np.ndarray):
        return array
    if not _shares_memory(array):
        raise TypeError(wording(argument, "an array in host memory", type(array).__name__))
    try:
        if hasattr(array, "__dlpack__"):
            return np.from_dlpack(array)
        return np.asarray(memoryview(array))
    except (TypeError, ValueError, BufferError, RuntimeError) as error:
        got = f"{type(array).__name__}, which does not share its memory ({error})"
        raise TypeError(wording(argument, "an array in host memory", got)) from error


def check(
    array: Any,
    argument: str,
    shape: Any = None,
    dtypes: Any = COMPUTE,
    written: bool = True,
    remedy: str = "",
) -> Any:
    """Return a view of `array` that a kernel may use, or raise what is wrong with it.

    Parameters
    ----------
    array : array
        What the caller passed.
    argument : str
        Its name in messages.
    shape : tuple of int, optional
        The shape that it must have.
    dtypes : sequence of str or None, optional
        The dtypes that it may have; None for real numbers of any type.
    written : bool
        Whether the kernel writes to it.
    remedy : str
        What to do about a dtype that may be there for another optimizer.
    """
    array = view(array, argument)
    if shape is not None and array.shape != shape:
        raise ValueError(wording(f"shape of {argument}", f"{shape}", f"{array.shape}"))
    expected = "real numbers" if dtypes is None else " or ".join(dtypes)
    if not (_is_real(array.dtype) if dtypes is None else array.dtype.name in dtypes):
        hint = remedy if array.dtype.name in COMPUTE else ""
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


def _is_real(dtype: Any) -> bool:
    """Whether `dtype` holds real numbers; the float types of ml_dtypes are of no numeric kind."""
    return dtype.kind in "iuf" or "float" in dtype.name


def _shares_memory(array: Any) -> bool:
    if hasattr(array, "__dlpack__") and hasattr(array, "__dlpack_device__"):
        return array.__dlpack_device__()[0] == 1  # kDLCPU
    try:
        memoryview(array)
    except TypeError:
        return False
    return True
