"""New arrays on a device, and copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyopencl as cl
from pyopencl.array import Array

from ... import dtypes
from .checks import check, check_buffer, check_host, check_kernel, view, with_queue
from .memory import empty_like
from .programs import kernel
from .text.array_source import cast_text
from .traits import traits_of


def is_half(array: Any) -> bool:
    """Whether the array is stored in 16 bits."""
    return dtypes.is_half(view(array, "weight").dtype)


def zeros_like(array: Any) -> Array:
    """Return zeros of the shape and dtype of `array`, on its device."""
    array = with_queue(array)
    if array.size:
        check_buffer(array, "weight")
    made = empty_like(array, array.dtype)
    if made.size:
        zero = np.zeros(1, f"u{made.dtype.itemsize}")
        done = cl.enqueue_fill_buffer(made.queue, made.base_data, zero, made.offset, made.nbytes)
        record(done, made.queue, [made])
    return made


def to_float32(array: Any) -> Array:
    """Return a float32 copy."""
    array = check(array, "weight", written=False)
    check_kernel(array, "weight", written=False)
    made = empty_like(array, np.dtype(np.float32))
    cast(array, made)
    return made


def to_bfloat16(array: Any) -> Array:
    """Return a copy in bfloat16, rounded to nearest."""
    array = check(array, "state", written=False)
    check_kernel(array, "state", written=False)
    made = empty_like(array, dtypes.dtype_of("bfloat16"))
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
    array = with_queue(array)
    if array.size:
        check_buffer(array, "weight")
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
    check_host(array, "array", written=True)
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
    check_host(array, "array", read=True)
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
        (-(-source.size // traits.part) * traits.group,),
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
        for array in arrays:
            array.events[:] = [*unfinished(array.events), event]


def unfinished(events: Sequence[cl.Event]) -> list[cl.Event]:
    """Return those that something may still have to wait for."""
    done = cl.command_execution_status.COMPLETE
    return [event for event in events if event.command_execution_status != done]
