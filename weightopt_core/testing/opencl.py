"""The arrays of OpenCL devices."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backends import backend_of
from .arrays import Maker, storage_types

#: Intel's queues do not keep their context alive.
_contexts: list[Any] = []


def queues() -> Iterator[Any]:
    """Yield a queue on each device that is present, in a context of its own.

    ``WEIGHTOPT_TEST_OPENCL`` selects platforms by a part of their name. Without it Oclgrind is
    left out: it checks memory accesses, and is slow.
    """
    wanted = os.environ.get("WEIGHTOPT_TEST_OPENCL")
    try:
        import pyopencl as cl
    except ImportError:
        return
    try:
        platforms = cl.get_platforms()
    except cl.Error:  # code -1001: no platform
        return
    for platform in platforms:
        if wanted in platform.name if wanted else platform.name != "Oclgrind":
            for device in platform.get_devices():
                yield new_queue(device)


def new_queue(device: Any) -> Any:
    """Return a queue on a new context."""
    import pyopencl as cl

    _contexts.append(cl.Context([device]))
    return cl.CommandQueue(_contexts[-1])


def computes(queue: Any, dtype: Any) -> bool:
    """Whether the device computes with numbers of `dtype`."""
    return np.dtype(dtype) != np.float64 or "cl_khr_fp64" in queue.device.extensions


def on_device(queue: Any, values: np.ndarray, offset: int = 0) -> Any:
    """Return a copy of `values` on the device, `offset` elements into its buffer."""
    import pyopencl as cl
    from pyopencl.array import Array

    itemsize = values.dtype.itemsize
    size = (values.size + offset) * itemsize or 1
    buffer = cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, size)
    array = Array(queue, values.shape, values.dtype, data=buffer, offset=offset * itemsize)
    backend_of(array).copy(array, values)
    return array


def on_host(array: Any) -> np.ndarray:
    """Return a copy of `array` in host memory."""
    return np.array(backend_of(array).to_host(array))


def opencl() -> list[Maker]:
    """Return a maker for each device that is present."""
    found = []
    for queue in queues():

        def make(values: np.ndarray, queue: Any = queue) -> Any:
            return on_device(queue, values, offset=3)

        dtypes = [dtype for dtype in storage_types() if computes(queue, dtype)]
        name = f"{queue.device.platform.name.strip()}-{queue.device.name.strip()}"
        found.append(Maker(name, make, on_host, dtypes))
    return found
