"""What is wrong with an array on a device, if anything is."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import pyopencl as cl
from pyopencl.array import Array

from ...dtypes import STORAGE, is_real, storage_of
from ...errors import wording
from .traits import check_float64


def accepts(array: Any) -> bool:
    """Whether `array` is on an OpenCL device."""
    return isinstance(array, Array)


def view(array: Any, argument: str) -> Array:
    """Return `array`, or raise TypeError where it is not on a device."""
    if isinstance(array, Array):
        return array
    got, remedy = type(array).__name__, ""
    if isinstance(array, np.ndarray):
        got, remedy = "an array in host memory", "copy it with pyopencl.array.to_device"
    raise TypeError(wording(argument, "a pyopencl.array.Array, as the weight is", got, remedy))


def check(
    array: Any,
    argument: str,
    shape: Any = None,
    dtypes: Any = STORAGE,
    written: bool = True,
    remedy: str = "",
) -> Any:
    """Return `array`, or raise what keeps a kernel from using it.

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
    if array.queue is None:
        remedy = "pass array.with_queue(queue)"
        raise ValueError(wording(f"queue of {argument}", "a command queue", "None", remedy))
    if shape is not None and array.shape != shape:
        raise ValueError(wording(f"shape of {argument}", f"{shape}", f"{array.shape}"))
    expected = "real numbers" if dtypes is None else " or ".join(dtypes)
    native = array.dtype if array.dtype.isnative else array.dtype.newbyteorder("=")
    name = storage_of(native)
    if not (is_real(native) if dtypes is None else name in dtypes):
        hint = remedy if name else ""
        raise TypeError(wording(f"dtype of {argument}", expected, str(array.dtype), hint))
    if not array.dtype.isnative:
        raise TypeError(wording(f"dtype of {argument}", f"native {expected}", str(array.dtype)))
    if name == "float64":
        check_float64(array.queue.device, argument)
    _check_memory(array, argument)
    return array


def _check_memory(array: Array, argument: str) -> None:
    if array.strides != contiguous(array.shape, array.dtype.itemsize) and array.size:
        remedy = "pass array.copy() of it"
        raise ValueError(wording(argument, "a C-contiguous array", "a strided one", remedy))
    if array.offset % array.dtype.itemsize:
        expected = f"a multiple of {array.dtype.itemsize} bytes"
        raise ValueError(wording(f"offset of {argument}", expected, str(array.offset)))
    if not array.size:
        return
    if not isinstance(array.base_data, cl.MemoryObjectHolder):
        remedy = "use an allocator of buffers"
        got = type(array.base_data).__name__
        raise TypeError(wording(f"memory of {argument}", "a buffer", got, remedy))
    needed = array.offset + array.nbytes
    if array.base_data.size < needed:
        expected, got = f"at least {needed} bytes", f"{array.base_data.size}"
        raise ValueError(wording(f"buffer of {argument}", expected, got))


@lru_cache(1024)
def contiguous(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the strides of a C-contiguous array in bytes."""
    return tuple(itemsize * math.prod(shape[i + 1 :]) for i in range(len(shape)))


def with_queue(array: Any) -> Array:
    """Return `array`, or raise ValueError where it has no queue."""
    array = view(array, "weight")
    if array.queue is None:
        remedy = "pass array.with_queue(queue)"
        raise ValueError(wording("queue of weight", "a command queue", "None", remedy))
    return array
