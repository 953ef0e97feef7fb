"""Arrays that are not exact NumPy arrays: seen as such over the same memory, or refused."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...errors import wording
from ...kinds import BRIDGES
from ...registry import installed

#: Kinds of memory in the numbers of DLPack that the host may read and write at any time: its own,
#: and what CUDA and ROCm keep in place for their copies. Managed memory is not among them, for a
#: device may be at work on it.
HOST_MEMORY = {1: "kDLCPU", 3: "kDLCUDAHost", 11: "kDLROCMHost"}


def exports(array: Any) -> bool:
    """Whether `array` says that it shares its memory, with the host or with a device."""
    try:
        if not _has_dlpack(array):
            memoryview(array)
    except TypeError:
        return False
    except Exception:  # of a method of the array; what it was comes up when the memory is needed
        pass
    return True


def shared(array: Any, argument: str) -> np.ndarray:
    """Return a NumPy array over the memory of what is none.

    Raises
    ------
    TypeError
        The memory is not the host's, or is not shared; the message has the reason.
    """
    try:
        return _from_dlpack(array) if _has_dlpack(array) else np.asarray(memoryview(array))
    except Exception as error:  # it is another package's, and may raise anything
        got = f"{type(array).__name__}, which does not share its memory ({error})"
        remedy = _remedy_for_bfloat16(array)
        raise TypeError(wording(argument, "an array in host memory", got, remedy)) from error


def plain(array: np.ndarray, argument: str) -> np.ndarray:
    """Return an instance of a subclass as the `numpy.ndarray` that it is.

    Raises
    ------
    ValueError
        Some of its elements are masked.
    """
    if issubclass(type(array), np.ma.MaskedArray):
        hidden = np.count_nonzero(np.ma.getmaskarray(array))
        if hidden:
            got = f"one with {hidden} of {array.size} masked"
            remedy = "pass .filled(value), or .data for what the mask hides"
            raise ValueError(wording(argument, "an array without masked elements", got, remedy))
    return np.ndarray.view(array, np.ndarray)


def _has_dlpack(array: Any) -> bool:
    return hasattr(array, "__dlpack__") and hasattr(array, "__dlpack_device__")


def _from_dlpack(array: Any) -> np.ndarray:
    kind, number = map(operator.index, array.__dlpack_device__())
    if kind not in HOST_MEMORY:
        raise TypeError(f"it is on device {number} of kind {kind}; copy it to the host")
    exported = np.from_dlpack(array)
    if not hasattr(array, "__array__"):
        return exported
    # What DLPack cannot say, of a negated view for one, makes this fail.
    other = np.asarray(array)
    # Before NumPy 2.2.5 all that comes by DLPack is read-only.
    if exported.flags.writeable or not _same_memory(exported, other):
        return exported
    return other


def _same_memory(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are one in all but their flags."""
    one_at, other_at = one.__array_interface__, other.__array_interface__
    return one_at["data"][0] == other_at["data"][0] and all(
        getattr(one, name) == getattr(other, name) for name in ("shape", "strides", "dtype")
    )


def _remedy_for_bfloat16(array: Any) -> str:
    try:
        found = "bfloat16" in str(array.dtype)
    except Exception:  # whatever a property of the array raises
        return ""
    how = "pass its bits as a NumPy array of 16-bit integers, .view(ml_dtypes.bfloat16)"
    return how + or_bridge(array) if found else ""


def or_bridge(array: Any) -> str:
    """Name the installed package for arrays of this class, if there is one.

    Such a package has an entry point in the group ``weightopt.bridges`` with the name of the
    top-level module that defines the class.
    """
    module = type(array).__module__.partition(".")[0]
    found = [point for point in installed.plugins() if point.group == BRIDGES]
    names = sorted({point.dist.name for point in found if point.name == module})
    return f", or use {' or '.join(names)}" if names else ""
