"""What is wrong with an array on a device, if anything is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyopencl as cl
from pyopencl.array import Array

from ...dtypes import STORAGE, is_real, name_of
from ...errors import wording
from .regions import memory_of
from .traits import check_float64

_INTEGER = (int, np.integer)
#: What attributes of an array have to be: name, types, and these in words.
_FIELDS: tuple[tuple[str, Any, str], ...] = (
    ("shape", tuple, "a tuple"),
    ("strides", tuple, "a tuple"),
    ("dtype", np.dtype, "a numpy.dtype"),
    ("offset", _INTEGER, "an integer"),
    ("size", _INTEGER, "an integer"),
    ("nbytes", _INTEGER, "an integer"),
    ("events", list, "a list"),
)


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
    """Return a view that a kernel may use, as `weightopt_core.backends.interface` says."""
    array = with_queue(array, argument)
    _check_fields(array, argument)
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
    if name == "float64":
        check_float64(array.queue.device, argument)
    _check_memory(array, argument, written)
    return array


def _check_fields(array: Array, argument: str) -> None:
    """Raise where the attributes of an array, which anybody may assign, do not fit together."""
    for name, kinds, expected in _FIELDS:
        value = getattr(array, name, None)
        if not isinstance(value, kinds):
            raise TypeError(wording(f"{name} of {argument}", expected, repr(value)))
    size = math.prod(array.shape)
    for name, needed in (("size", size), ("nbytes", size * array.dtype.itemsize)):
        if getattr(array, name) != needed:
            expected, got = f"{needed}, as the shape is {array.shape}", f"{getattr(array, name)}"
            remedy = "make a view, such as array[:4]"
            raise ValueError(wording(f"{name} of {argument}", expected, got, remedy))


def _check_memory(array: Array, argument: str, written: bool) -> None:
    if not is_contiguous(array):
        remedy = "make it contiguous where it is made" if written else "pass a contiguous copy"
        raise ValueError(wording(argument, "a C-contiguous array", "a strided one", remedy))
    if array.offset < 0 or array.offset % array.dtype.itemsize:
        expected = f"a multiple of {array.dtype.itemsize} bytes"
        raise ValueError(wording(f"offset of {argument}", expected, str(array.offset)))
    if not array.size:
        return
    check_buffer(array, argument)
    needed = array.offset + array.nbytes
    if array.base_data.size < needed:
        expected, got = f"at least {needed} bytes", f"{array.base_data.size}"
        raise ValueError(wording(f"buffer of {argument}", expected, got))


def check_kernel(array: Array, argument: str, read: bool = True, written: bool = True) -> None:
    """Raise ValueError where kernels must not use the buffer so."""
    if array.size:
        flags = memory_of(array.base_data).flags
        if written:
            _refuse(flags, cl.mem_flags.READ_ONLY, argument, "a kernel writes to")
        if read:
            _refuse(flags, cl.mem_flags.WRITE_ONLY, argument, "a kernel reads")


def check_host(array: Array, argument: str, read: bool = False, written: bool = False) -> None:
    """Raise ValueError where the host must not use the buffer so."""
    if array.size:
        flags, closed = memory_of(array.base_data).flags, cl.mem_flags.HOST_NO_ACCESS
        if written:
            refused = closed | cl.mem_flags.HOST_READ_ONLY
            _refuse(flags, refused, argument, "the host writes to")
        if read:
            refused = closed | cl.mem_flags.HOST_WRITE_ONLY
            _refuse(flags, refused, argument, "the host reads")


def _refuse(flags: int, refused: int, argument: str, use: str) -> None:
    if flags & refused:
        got = f"one with {cl.mem_flags.to_string(flags & refused)}"
        remedy = "make it with mem_flags.READ_WRITE alone"
        raise ValueError(wording(f"buffer of {argument}", f"one that {use}", got, remedy))


def check_buffer(array: Array, argument: str) -> None:
    """Raise TypeError where the memory of `array` is no buffer."""
    memory = array.base_data
    if isinstance(memory, cl.MemoryObjectHolder) and memory.type == cl.mem_object_type.BUFFER:
        return
    remedy = "use an allocator of buffers"
    raise TypeError(wording(f"memory of {argument}", "a buffer", type(memory).__name__, remedy))


def is_contiguous(array: Array) -> bool:
    """Whether the elements follow one another; strides along a single element do not matter."""
    if len(array.strides) != len(array.shape):
        return False
    expected = array.dtype.itemsize
    for length, stride in zip(reversed(array.shape), reversed(array.strides)):
        if length > 1 and stride != expected:
            return not array.size
        expected *= length
    return True


def with_queue(array: Any, argument: str = "weight") -> Array:
    """Return `array`, or raise ValueError where it has no queue."""
    array = view(array, argument)
    if not isinstance(array.queue, cl.CommandQueue):
        got = "None" if array.queue is None else type(array.queue).__name__
        remedy = "pass array.with_queue(queue)"
        raise ValueError(wording(f"queue of {argument}", "a command queue", got, remedy))
    return array
