"""New arrays. Small ones share buffers, because a launch takes few buffers but many tensors."""

from __future__ import annotations

import math
import threading
from typing import Any

import pyopencl as cl
from pyopencl.array import Array

#: Bytes of a shared buffer; an array of more than a quarter has a buffer of its own.
SHARED = 1 << 22
#: Each array begins at a multiple of so many bytes, which suits any device.
ALIGNMENT = 256

_local = threading.local()


def empty_like(array: Any, dtype: Any) -> Any:
    """Return an array of the shape of `array` on its device, with no values yet.

    It comes from the allocator of `array`, if that has one. Otherwise a small one is part of a
    buffer that arrays of this thread and queue share, and that goes with the last of them.
    """
    made = math.prod(array.shape) * dtype.itemsize
    if array.allocator is not None or not 0 < made <= SHARED // 4:
        return Array(array.queue, array.shape, dtype, allocator=array.allocator)
    buffer, offset = _part(array.queue, made)
    return Array(array.queue, array.shape, dtype, data=buffer, offset=offset)


def extent_of(array: Any) -> tuple[Any, int, int]:
    """Return the memory that holds the elements: which, where they begin, and where they end."""
    memory, begin = array.base_data, array.offset
    if memory is None:  # of an array without elements
        return None, 0, 0
    whole = memory.associated_memobject
    if whole is not None:  # it is a part of another buffer
        memory, begin = whole, begin + memory.offset
    return memory.int_ptr, begin, begin + array.nbytes


def _part(queue: cl.CommandQueue, size: int) -> tuple[cl.Buffer, int]:
    owner, buffer, begin = getattr(_local, "shared", (None, None, 0))
    if owner != queue or begin + size > SHARED:
        buffer, begin = cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, SHARED), 0
    _local.shared = queue, buffer, begin + -(-size // ALIGNMENT) * ALIGNMENT
    return buffer, begin
