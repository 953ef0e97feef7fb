"""The OpenCL devices that are present, for tests that run on each of them."""

import pytest

from weightopt_core.testing.opencl import computes, new_queue, on_device, on_host, queues

__all__ = ["computes", "every_device", "is_slow", "new_queue", "on_device", "on_host"]

QUEUES = list(queues())
WHY = "no OpenCL device"
#: Gives a test the argument `queue`, once for each device.
every_device = pytest.mark.parametrize(
    "queue",
    QUEUES or [pytest.param(None, marks=pytest.mark.skip(WHY))],
    ids=lambda queue: queue and f"{queue.device.platform.name}-{queue.device.name}",
)


def is_slow(queue):
    """Whether the device is a simulator."""
    return queue.device.platform.name == "Oclgrind"
