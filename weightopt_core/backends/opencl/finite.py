"""Whether arrays on devices hold infinities or NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyopencl as cl

from .checks import check, check_kernel
from .programs import kernel
from .text.finite_source import finite_text
from .traits import traits_of


def nonfinite(arrays: Sequence[Any], argument: str) -> list[int]:
    """Return the places of those arrays that hold an infinity or NaN.

    All are looked through before the first answer is waited for. An answer is one number for each
    work-group.
    """
    checked = [check(array, argument, written=False) for array in arrays]
    for array in checked:
        check_kernel(array, argument, written=False)
    answers = [(i, *_launched(array)) for i, array in enumerate(checked) if array.size]
    places = []
    for i, found, copied in answers:
        copied.wait()
        if found.any():
            places.append(i)
    return places


def _launched(array: Any) -> tuple[np.ndarray, cl.Event]:
    """Return what will have a number other than 0 where something is found, and when it will."""
    queue, storage = array.queue, array.dtype.name
    traits = traits_of(queue.device)
    word, number = np.uint32, np.uint64
    run = kernel(
        queue, storage, lambda: finite_text(storage, traits), "nonfinite",
        [None, number, number, number, None],
    )  # fmt: skip
    part = traits.part_of(array.size)
    host = np.empty(-(-array.size // part), word)
    found = cl.Buffer(queue.context, cl.mem_flags.WRITE_ONLY, host.nbytes)
    given = array.base_data, array.offset // array.dtype.itemsize, array.size, part, found
    work = (host.size * traits.group,), (traits.group,)
    done = run(queue, *work, *given, wait_for=array.events or None)
    return host, cl.enqueue_copy(queue, host, found, wait_for=[done], is_blocking=False)
