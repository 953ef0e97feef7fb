"""Arrays on a device: what is wrong with one, new ones, copies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyopencl as cl
from pyopencl.array import Array

from ...errors import wording
from .memory import empty_like
from .programs import kernel
from .source import STORAGE, cast_text
from .traits import check_float64, traits_of


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
    array: Any, argument: str, shape: Any = None, dtypes: Any = STORAGE, written: bool = True
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
    """
    array = view(array, argument)
    if array.queue is None:
        remedy = "pass array.with_queue(queue)"
        raise ValueError(wording(f"queue of {argument}", "a command queue", "None", remedy))
    if shape is not None and array.shape != shape:
        raise ValueError(wording(f"shape of {argument}", f"{shape}", f"{array.shape}"))
    expected = "real numbers" if dtypes is None else " or ".join(dtypes)
    name = array.dtype.name
    real = array.dtype.kind in "iuf" or "float" in name
    if not (real if dtypes is None else name in dtypes):
        raise TypeError(wording(f"dtype of {argument}", expected, name))
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


def is_half(array: Any) -> bool:
    """Whether the array is stored in 16 bits."""
    return view(array, "weight").dtype.name in ("float16", "bfloat16")


def zeros_like(array: Any) -> Array:
    """Return zeros of the shape and dtype of `array`, on its device."""
    array = _with_queue(array)
    made = empty_like(array, array.dtype)
    if made.size:
        zero = np.zeros(1, f"u{made.dtype.itemsize}")
        done = cl.enqueue_fill_buffer(made.queue, made.base_data, zero, made.offset, made.nbytes)
        record(done, made.queue, [made])
    return made


def to_float32(array: Any) -> Array:
    """Return a float32 copy."""
    array = check(array, "weight", written=False)
    made = empty_like(array, np.dtype(np.float32))
    cast(array, made)
    return made


def duplicate(array: Any) -> Array:
    """Return a copy."""
    array = check(array, "weight", dtypes=None, written=False)
    made = empty_like(array, array.dtype)
    if made.size:
        done = cl.enqueue_copy(
            array.queue,
            made.base_data,
            array.base_data,
            src_offset=array.offset,
            dst_offset=made.offset,
            byte_count=array.nbytes,
            wait_for=array.events or None,
        )
        record(done, array.queue, [array, made])
    return made


def place(values: np.ndarray, array: Any) -> Any:
    """Return `values`, from the host, as an array where `array` is."""
    array = _with_queue(array)
    made = Array(array.queue, values.shape, values.dtype, allocator=array.allocator)
    copy(made, values)
    return made


def fill(array: Any, value: float) -> None:
    """Set every element."""
    array = check(array, "array", dtypes=None)
    if array.size:
        pattern = np.empty(1, array.dtype)
        pattern[...] = value
        pattern = pattern.view(f"u{array.dtype.itemsize}")
        memory = array.base_data, pattern, array.offset, array.nbytes
        done = cl.enqueue_fill_buffer(array.queue, *memory, wait_for=array.events or None)
        record(done, array.queue, [array])


def copy(array: Any, values: Any) -> None:
    """Copy `values`, from the host and of the same shape, into `array`."""
    array = check(array, "array", dtypes=None)
    host = np.empty(array.shape, array.dtype)
    host[...] = values
    if array.size:
        cl.enqueue_copy(
            array.queue,
            array.base_data,
            host.view(f"u{host.itemsize}"),
            dst_offset=array.offset,
            wait_for=array.events or None,
            is_blocking=True,
        )


def to_host(array: Any) -> np.ndarray:
    """Return the elements as a NumPy array, copied."""
    array = check(array, "array", dtypes=None, written=False)
    host = np.empty(array.shape, array.dtype)
    if array.size:
        cl.enqueue_copy(
            array.queue,
            host.view(f"u{host.itemsize}"),
            array.base_data,
            src_offset=array.offset,
            wait_for=array.events or None,
            is_blocking=True,
        )
    return host


def cast(source: Array, target: Array) -> None:
    """Store the elements of `source` in `target`, which has its shape."""
    if not source.size:
        return
    queue, names = target.queue, (source.dtype.name, target.dtype.name)
    traits = traits_of(queue.device)
    number = np.uint64
    run = kernel(
        queue,
        names,
        lambda: cast_text(*names, traits),
        "cast",
        [None, number, None, number, number],
    )
    done = run(
        queue,
        (-(-source.size // traits.chunk) * traits.group,),
        (traits.group,),
        target.base_data,
        target.offset // target.dtype.itemsize,
        source.base_data,
        source.offset // source.dtype.itemsize,
        source.size,
        wait_for=source.events or None,
    )
    record(done, queue, [source, target])


def in_order(queue: cl.CommandQueue) -> bool:
    """Whether the queue runs one command after the other."""
    return not queue.properties & cl.command_queue_properties.OUT_OF_ORDER_EXEC_MODE_ENABLE


def record(event: cl.Event, queue: cl.CommandQueue, arrays: Sequence[Any]) -> None:
    """Let what uses `arrays` next wait for `event`, where the queue's order does not see to it."""
    if not in_order(queue):
        done = cl.command_execution_status.COMPLETE
        for array in arrays:
            waiting = [e for e in array.events if e.command_execution_status != done]
            array.events[:] = [*waiting, event]


def _with_queue(array: Any) -> Array:
    array = view(array, "weight")
    if array.queue is None:
        remedy = "pass array.with_queue(queue)"
        raise ValueError(wording("queue of weight", "a command queue", "None", remedy))
    return array
