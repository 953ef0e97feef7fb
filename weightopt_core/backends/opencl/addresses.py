"""Where buffers lie, on devices that let them stay there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyopencl as cl

from .programs import kernel
from .source import buffer_parameters
from .templates import ADDRESSES

#: Buffers that one launch looks at.
SLOTS = 64


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
    """Buffers that commands use without having them as arguments, kept until those have run."""

    def __init__(self, buffers: Sequence[Any]):
        self.buffers = list(buffers)
        self.last: cl.Event | None = None

    def __del__(self) -> None:
        done = cl.command_execution_status.COMPLETE
        if self.last is not None and self.last.command_execution_status > done:
            buffers = self.buffers
            self.last.set_callback(done, lambda _: buffers.clear())
