"""Threads, queues, contexts, lifetimes and checkpoints on OpenCL devices."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from devices import every_device, is_slow, new_queue, on_device, on_host

import weightopt_core as mx

cl = pytest.importorskip("pyopencl")

pytestmark = every_device


def run(name, place, steps, fetch=lambda array: array):
    """Return the weight after so many steps of an optimizer, on arrays made by `place`."""
    rng = np.random.default_rng(len(name))
    updater = mx.optimizer.get_updater(mx.optimizer.create(name))
    weight = place(rng.normal(size=500).astype(np.float32))
    for _ in range(steps):
        updater(0, place(rng.normal(size=500).astype(np.float32)), weight)
    return fetch(weight)


def test_threads_with_optimizers_of_their_own(queue):
    if is_slow(queue):
        pytest.skip("Oclgrind crashes when several threads use it")
    steps = 50
    names = ["adam", "ftrl", "adam", "nadam"]
    expected = [run(name, np.copy, steps) for name in names]

    def on_thread(name):
        return run(name, lambda values: on_device(queue, values), steps, on_host)

    with ThreadPoolExecutor(len(names)) as pool:
        found = list(pool.map(on_thread, names))
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_a_queue_out_of_order(queue):
    properties = cl.command_queue_properties.OUT_OF_ORDER_EXEC_MODE_ENABLE
    if not queue.device.queue_properties & properties:
        pytest.skip("the device keeps every queue in order")
    free = cl.CommandQueue(queue.context, properties=properties)
    got = run("adam", lambda values: on_device(free, values), 5, on_host)
    np.testing.assert_array_equal(got, run("adam", np.copy, 5))


def test_two_contexts_of_one_device(queue):
    other = new_queue(queue.device)
    runs = [run("adam", lambda values: on_device(q, values), 2, on_host) for q in (queue, other)]  # noqa: B023
    np.testing.assert_array_equal(*runs)


def test_nothing_keeps_arrays_alive(queue):
    weights = [on_device(queue, np.ones(8, np.float32)) for _ in range(2)]
    optimizer = mx.optimizer.create("sgd")
    optimizer.update([0, 1], weights, [weight.copy() for weight in weights], [None, None])
    optimizer.update(0, weights[0], weights[0].copy(), None)
    queue.finish()
    gone = [weakref.ref(weight) for weight in weights]
    del weights
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


def test_states_are_on_the_device_of_the_weight(queue):
    weight = on_device(queue, np.ones((3, 4), np.float32))
    states = mx.optimizer.create("adam").create_state(0, weight)
    for state in states:
        assert (type(state), state.shape, state.dtype) == (type(weight), (3, 4), np.float32)
        assert state.queue == queue
        np.testing.assert_array_equal(on_host(state), 0)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_run_goes_on_from_saved_states(dtype, queue):
    rng = np.random.default_rng(0)
    values, *grads = (rng.normal(size=20).astype(dtype) for _ in range(5))
    weight = on_device(queue, values)
    updater = mx.optimizer.get_updater(mx.optimizer.create("adam", multi_precision=True))
    for grad in grads[:2]:
        updater(0, on_device(queue, grad), weight)
    saved, middle = updater.get_states(), on_host(weight)
    for grad in grads[2:]:
        updater(0, on_device(queue, grad), weight)
    for place, fetch in ((lambda a: on_device(queue, a), on_host), (np.copy, np.copy)):
        resumed = mx.optimizer.get_updater(mx.optimizer.create("adam", multi_precision=True))
        resumed.set_states(saved)
        other = place(middle)
        for grad in grads[2:]:
            resumed([0], [place(grad)], [other])
        np.testing.assert_array_equal(fetch(other), on_host(weight))
