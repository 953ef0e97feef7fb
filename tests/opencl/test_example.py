"""The example trains on an OpenCL device as it does on the host, and leaves everything there."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import weightopt_core as mx

cl = pytest.importorskip("pyopencl")
cl_array = pytest.importorskip("pyopencl.array")

#: The host's sums are in another order, and its exp and log are others: the losses of 42 updates
#: differ in the sixth digit, and one test sample in 450 may fall on the other side.
LOSS, ACCURACY = 1e-4, 1 / 450


def present():
    """Return a part of the name of a platform that has a device, for ``PYOPENCL_CTX``."""
    from devices import QUEUES

    return [queue.device.platform.name for queue in QUEUES]


pytestmark = pytest.mark.skipif(not present(), reason="no OpenCL device")


@pytest.fixture
def digits(monkeypatch):
    monkeypatch.setenv("PYOPENCL_CTX", present()[0])
    path = Path(__file__).parents[2] / "examples" / "digits.py"
    spec = importlib.util.spec_from_file_location("digits", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def train(digits, backend, epochs):
    mx.random.seed(0)
    optimizer = mx.optimizer.create("adam", rescale_grad=1 / digits.BATCH)
    return digits.train(optimizer, mx.init.create("xavier"), epochs, 0, backend)


def test_it_trains_as_on_the_host(digits):
    host, device = (train(digits, backend(), 2) for backend in digits.BACKENDS.values())
    assert host.keys() == device.keys()
    np.testing.assert_allclose(device["loss"], host["loss"], rtol=LOSS)
    np.testing.assert_allclose(device["test accuracy"], host["test accuracy"], atol=ACCURACY)
    assert device["learning rate"] == host["learning rate"]
    assert device["loss"][-1] < 0.9 * device["loss"][0]


def test_gradients_are_those_of_the_host(digits):
    data = digits.load(0)
    order = np.random.default_rng(0).permutation(len(data[0]))
    found = []
    for backend in digits.BACKENDS.values():
        network = backend()
        network.begin(data, order)
        params = {name: network.empty(shape) for name, shape in digits.SHAPES.items()}
        for name, array in params.items():
            mx.init.create("normal", sigma=0.3, seed=1)(
                mx.InitDesc(name, {"__init__": "zero"}), array
            )
            mx.init.create("normal", sigma=0.3, seed=1)._init_weight(mx.InitDesc(name), array)
        grads = network.gradients(params, 64, 129)
        found.append({k: v if isinstance(v, np.ndarray) else v.get() for k, v in grads.items()})
    for name, grad in found[0].items():
        np.testing.assert_allclose(found[1][name], grad, atol=1e-5 * abs(grad).max())


TRANSFERS = {
    cl: ["enqueue_copy", "enqueue_fill_buffer", "enqueue_map_buffer"],
    cl_array: ["to_device"],
    cl_array.Array: ["get", "get_async", "set", "map_to_host"],
}


def transfers(digits, monkeypatch, epochs):
    """Return the names of what was called that can move data, once for each call."""
    called = []

    def counted(name, original):
        def call(*arguments, **options):
            called.append(name)
            return original(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        for owner, names in TRANSFERS.items():
            for name in names:
                patch.setattr(owner, name, counted(name, getattr(owner, name)))
        train(digits, digits.OpenCL(), epochs)
    return sorted(called)


def test_nothing_crosses_while_it_trains(digits, monkeypatch):
    called = transfers(digits, monkeypatch, 1)
    assert called.count("to_device") == len(["x", "y", "x of the test", "y of the test", "order"])
    assert called.count("get") == len(["loss", "test accuracy"])
    assert transfers(digits, monkeypatch, 3) == called
