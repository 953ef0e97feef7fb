"""Where buffers lie, on devices that let them stay there, and what keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyopencl as cl

from ...errors import wording
from .programs import kernel
from .text.slots import buffer_parameters
from .text.templates import ADDRESSES

#: Buffers that one launch looks at.
SLOTS = 64
#: Buffers that a step looks at, to see whether somebody has released them.
LOOKS = 16


def addresses_of(context: cl.Context, buffers: Sequence[Any]) -> list[int]:
    """Return the address of each buffer, as kernels see it."""
    queue = cl.CommandQueue(context)
    stores = "\n    ".join(f"out[{i}] = (ulong)b{i};" for i in range(SLOTS))
    text = ADDRESSES.format(parameters=buffer_parameters(SLOTS), stores=stores)
    run = kernel(queue, "addresses", lambda: text, "addresses", [None] * (1 + SLOTS))
    found = np.empty(SLOTS, np.uint64)
    out = cl.Buffer(context, cl.mem_flags.WRITE_ONLY, found.nbytes)
    addresses: list[int] = []
    for first in range(0, len(buffers), SLOTS):
        part = list(buffers[first : first + SLOTS])
        run(queue, (1,), (1,), out, *part, *part[:1] * (SLOTS - len(part)))
        cl.enqueue_copy(queue, found, out)
        addresses += found[: len(part)].tolist()
    return addresses


class Held:
    """The buffers of a step, owned: as the objects that the caller has, and by a handle on each.

    The objects, because a pool takes the memory back with them; the handles, because an object can
    be released by hand, and OpenCL would then use what is freed. Commands may use buffers without
    having them as arguments; then all are owned until those have run.

    Attributes
    ----------
    events : list of pyopencl.Event
        Of commands that use the buffers by address. Those before the last are over with it.
    """

    def __init__(self, buffers: Iterable[Any]):
        own = {buffer.int_ptr: buffer for buffer in buffers}
        handles = [cl.MemoryObject.from_int_ptr(pointer, True) for pointer in own]
        self.owned = [*own.values(), *handles]
        infos = [handle.get_info for handle in handles]
        # An implementation that always says 1 says nothing.
        self.counts = [info for info in infos if info(cl.mem_info.REFERENCE_COUNT) > 1]
        self.looked = 0
        self.events: list[cl.Event] = []

    def check(self) -> None:
        """Raise ValueError where a buffer was released; each time a few are looked at."""
        first, counts = self.looked, self.counts
        for count in counts[first : first + LOOKS]:
            if count(cl.mem_info.REFERENCE_COUNT) == 1:  # the handle is all that is left
                expected, got = "buffers that are alive", "one that was released"
                remedy = "make a new array in its place"
                raise ValueError(wording("memory of weight, grad or state", expected, got, remedy))
        self.looked = first + LOOKS if first + LOOKS < len(counts) else 0

    def __del__(self) -> None:
        done = cl.command_execution_status.COMPLETE
        if self.events and self.events[-1].command_execution_status > done:
            owned = self.owned
            self.events[-1].set_callback(done, lambda _: owned.clear())
