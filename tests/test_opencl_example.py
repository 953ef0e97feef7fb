"""The example trains on an OpenCL device as it does on the host."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import weightopt_core as mx

cl = pytest.importorskip("pyopencl")


def present():
    """Return a part of the name of a platform that has a device, for ``PYOPENCL_CTX``."""
    from devices import QUEUES

    return [queue.device.platform.name for queue in QUEUES]


@pytest.mark.skipif(not present(), reason="no OpenCL device")
def test_digits(monkeypatch):
    monkeypatch.setenv("PYOPENCL_CTX", present()[0])
    path = Path(__file__).parent.parent / "examples" / "digits.py"
    spec = importlib.util.spec_from_file_location("digits", path)
    digits = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(digits)
    runs = []
    for backend in digits.BACKENDS.values():
        mx.random.seed(0)
        optimizer = mx.optimizer.create("adam", rescale_grad=1 / digits.BATCH)
        runs.append(digits.train(optimizer, mx.init.create("xavier"), 2, 0, backend()))
    for one, other in zip(*(run.values() for run in runs), strict=True):
        np.testing.assert_array_equal(one, other)
