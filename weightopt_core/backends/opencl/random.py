"""Fill arrays on a device with random numbers: the bits of the host."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import record
from .checks import check
from .programs import kernel
from .source import fill_text
from .traits import traits_of


def fill_uniform(array: Any, key: tuple[int, int], low: float, high: float) -> None:
    """Fill with uniform numbers of ``[low, high)`` from the stream `key`."""
    _fill("uniform", array, key, low, high - low)


def fill_normal(array: Any, key: tuple[int, int], mean: float, sigma: float) -> None:
    """Fill with normal numbers from the stream `key`."""
    _fill("normal", array, key, mean, sigma)


def _fill(kind: str, array: Any, key: tuple[int, int], shift: float, scale: float) -> None:
    array = check(array, "array")
    if not array.size:
        return
    storage = array.dtype.name
    real = np.dtype("float64" if storage == "float64" else "float32")
    queue = array.queue
    traits = traits_of(queue.device)
    number = np.uint64
    run = kernel(
        queue,
        (kind, storage),
        lambda: fill_text(kind, storage, traits, real.name),
        "fill",
        [None, number, number, number, number, real, real],
    )
    with np.errstate(over="ignore"):
        shift, scale = np.array([shift, scale]).astype(real)
    done = run(
        queue,
        (-(-array.size // traits.chunk) * traits.group,),
        (traits.group,),
        array.base_data,
        array.offset // array.dtype.itemsize,
        array.size,
        *key,
        shift,
        scale,
        wait_for=array.events or None,
    )
    record(done, queue, [array])
