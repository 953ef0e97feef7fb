"""Where in memory the arrays of a step lie, and that none is in another's way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pyopencl as cl

from ...errors import wording


class Memory(NamedTuple):
    """What a buffer is a part of.

    Attributes
    ----------
    whole : int
        Identifies the buffer that it is a part of, or itself; 0 for memory of the host.
    begin : int
        The byte of that where it begins; for memory of the host its address.
    flags : int
        Its own and those of what it is a part of.
    """

    whole: int
    begin: int
    flags: int


def memory_of(buffer: Any) -> Memory:
    """Return what `buffer` is a part of: it may be a sub-buffer, or lie over a host's array."""
    begin, flags = 0, buffer.get_info(cl.mem_info.FLAGS)
    while (whole := buffer.get_info(cl.mem_info.ASSOCIATED_MEMOBJECT)) is not None:
        begin += buffer.get_info(cl.mem_info.OFFSET)
        buffer = whole
        flags |= buffer.get_info(cl.mem_info.FLAGS)
    if flags & cl.mem_flags.USE_HOST_PTR:
        host = buffer.get_host_array((1,), np.dtype(np.uint8))
        return Memory(0, begin + host.ctypes.data, flags)
    return Memory(buffer.int_ptr, begin, flags)


class Use(NamedTuple):
    """An array of a step, as bytes of memory that are read or written.

    Attributes
    ----------
    whole, begin, end : int
        As of `Memory`; from `begin` up to but not including `end`.
    written : bool
        Whether the step writes there.
    tensor : int
        Of the tensors of the step the one that the array belongs to.
    name : str
        What the array is: weight, grad, or which state.
    """

    whole: int
    begin: int
    end: int
    written: bool
    tensor: int
    name: str


def use_of(array: Any, written: bool, tensor: int, name: str) -> Use:
    """Return the memory that an array with elements takes."""
    memory = memory_of(array.base_data)
    begin = memory.begin + array.offset
    return Use(memory.whole, begin, begin + array.nbytes, written, tensor, name)


def check_apart(uses: Iterable[Use]) -> None:
    """Raise ValueError where memory that is written is used by another array too."""
    latest: dict[bool, Use] = {}
    for use in sorted(uses):
        for written, other in latest.items():
            if other.whole == use.whole and other.end > use.begin and (written or use.written):
                raise ValueError(_overlap(other, use))
        before = latest.get(use.written)
        if before is None or before.whole != use.whole or before.end < use.end:
            latest[use.written] = use


def _overlap(one: Use, other: Use) -> str:
    one, other = sorted((one, other), key=lambda use: (use.tensor, use.name != "weight", use.name))
    remedy = "give each memory of its own"
    if not (one.written and other.written):
        remedy = "pass a copy of the gradient"
    if one.tensor == other.tensor:
        got = f"an overlap in memory of {one.name} and {other.name}"
        return wording("weight, grad and state", "arrays apart", got, remedy)
    got = f"an overlap in memory of {one.name} at position {one.tensor} of the lists and "
    got += f"{other.name} at position {other.tensor}"
    argument = "weights and states" if one.written and other.written else "grads and weights"
    return wording(argument, "arrays apart", got, remedy)
