"""Fill arrays on a device with random numbers: the bits of the host."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...dtypes import compute_of
from ..intervals import bounds
from .arrays import record
from .checks import check, check_kernel
from .programs import kernel
from .text.array_source import fill_text
from .traits import traits_of


def fill_uniform(array: Any, key: tuple[int, int], low: float, high: float) -> None:
    """Fill with uniform numbers of ``[low, high)`` from the stream `key`."""
    array = check(array, "array")
    _fill("uniform", array, key, low, high - low, *bounds(low, high, array.dtype))


def fill_normal(array: Any, key: tuple[int, int], mean: float, sigma: float) -> None:
    """Fill with normal numbers from the stream `key`."""
    _fill("normal", check(array, "array"), key, mean, sigma, -math.inf, math.inf)


def _fill(kind: str, array: Any, key: tuple[int, int], *numbers: float) -> None:
    """Fill with `kind`; the numbers are shift, scale, and the least and largest value."""
    check_kernel(array, "array", read=False)
    if not array.size:
        return
    storage = array.dtype.name
    real = compute_of(storage)
    queue = array.queue
    traits = traits_of(queue.device)
    number = np.uint64
    run = kernel(
        queue,
        (kind, storage),
        lambda: fill_text(kind, storage, traits, real.name),
        "fill",
        [None, number, number, number, number, real, real, real, real],
    )
    with np.errstate(over="ignore"):
        given = np.array(numbers).astype(real)
    done = run(
        queue,
        (-(-array.size // traits.part) * traits.group,),
        (traits.group,),
        array.base_data,
        array.offset // array.dtype.itemsize,
        array.size,
        *key,
        *given,
        wait_for=array.events or None,
    )
    record(done, queue, [array])
