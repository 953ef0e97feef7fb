"""The OpenCL devices that are present, for tests that run on each of them.

``WEIGHTOPT_TEST_OPENCL`` selects platforms by a part of their name. Without it Oclgrind is left
out: it checks memory accesses, and is slow.
"""

import os

import numpy as np
import pytest

from weightopt_core.backends import backend_of

try:
    import pyopencl as cl
    from pyopencl.array import Array
except ImportError:
    cl = None


def _queues():
    wanted = os.environ.get("WEIGHTOPT_TEST_OPENCL")
    try:
        platforms = cl.get_platforms() if cl else []
    except cl.Error:
        platforms = []
    for platform in platforms:
        if wanted in platform.name if wanted else platform.name != "Oclgrind":
            for device in platform.get_devices():
                yield new_queue(device)


def new_queue(device):
    """Return a queue on a new context."""
    # Intel's queues do not keep their context alive.
    CONTEXTS.append(cl.Context([device]))
    return cl.CommandQueue(CONTEXTS[-1])


CONTEXTS = []
QUEUES = list(_queues())
WHY = "no OpenCL device" if cl else "pyopencl is not installed"
#: Gives a test the argument `queue`, once for each device.
every_device = pytest.mark.parametrize(
    "queue",
    QUEUES or [pytest.param(None, marks=pytest.mark.skip(WHY))],
    ids=lambda queue: queue and f"{queue.device.platform.name}-{queue.device.name}",
)


def is_slow(queue):
    """Whether the device is a simulator."""
    return queue.device.platform.name == "Oclgrind"


def computes(queue, dtype):
    """Whether the device computes with numbers of `dtype`."""
    return np.dtype(dtype) != np.float64 or "cl_khr_fp64" in queue.device.extensions


def on_device(queue, values, offset=0):
    """Return a copy of `values` on the device, `offset` elements into its buffer."""
    itemsize = values.dtype.itemsize
    buffer = cl.Buffer(
        queue.context, cl.mem_flags.READ_WRITE, (values.size + offset) * itemsize or 1
    )
    array = Array(queue, values.shape, values.dtype, data=buffer, offset=offset * itemsize)
    backend_of(array).copy(array, values)
    return array


def on_host(array):
    """Return a copy of `array` in host memory."""
    return backend_of(array).to_host(array)
