"""Many tensors in one call on OpenCL devices: their buffers, their events and their end."""

import gc
import time

import numpy as np
import pytest
from devices import every_device, is_slow, on_device, on_host

import weightopt_core as mx

cl = pytest.importorskip("pyopencl")

pytestmark = every_device


class Run:
    """An optimizer over many weights, and the same on the host."""

    def __init__(self, queue, sizes, name="adam"):
        self.rng = np.random.default_rng(len(sizes))
        self.indices = list(range(len(sizes)))
        self.queue = queue
        self.on_host = [self.rng.normal(size=size).astype(np.float32) for size in sizes]
        self.on_device = [on_device(queue, weight) for weight in self.on_host]
        self.optimizers = [mx.optimizer.create(name) for _ in range(2)]
        self.states = [
            [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
            for optimizer, weights in zip(
                self.optimizers, [self.on_host, self.on_device], strict=True
            )
        ]
        self.set_grads()

    def set_grads(self):
        """Put new gradients into new arrays."""
        self.grads = [self.rng.normal(size=w.size).astype(np.float32) for w in self.on_host]
        self.grads_on_device = [on_device(self.queue, grad) for grad in self.grads]

    def step(self):
        """Step the host's weights, and enqueue the step of the device's."""
        self.optimizers[0].update(self.indices, self.on_host, self.grads, self.states[0])
        self.optimizers[1].update(
            self.indices, self.on_device, self.grads_on_device, self.states[1]
        )

    def check(self):
        """Compare the weights."""
        for one, other in zip(self.on_host, self.on_device, strict=True):
            np.testing.assert_array_equal(on_host(other), one)


@pytest.mark.parametrize("fixed", [False, True])
def test_buffers_by_argument_and_by_address(fixed, queue, monkeypatch):
    """More than one launch takes; devices that fix no addresses go by arguments."""
    launches = pytest.importorskip("weightopt_core.backends.opencl.launches")
    traits = launches.traits_of(queue.device)
    if fixed and not traits.fixed:
        pytest.skip("buffers of the device have no fixed addresses")
    monkeypatch.setattr(launches, "traits_of", lambda _: traits._replace(fixed=fixed))
    sizes = [5] * 3 if is_slow(queue) else [*range(0, 150), 20000, 1, 70000]
    run = Run(queue, sizes)
    for _ in range(3):
        run.step()
        run.step()
        run.check()
        run.set_grads()


def blocked(queue):
    """Return an event that what is enqueued from now on waits for, until its status is set."""
    event = cl.UserEvent(queue.context)
    cl.enqueue_barrier(queue, wait_for=[event])
    return event


def test_arrays_may_go_before_their_step_has_run(queue):
    """Their memory is neither freed nor used anew until then."""
    run = Run(queue, [40_000] * 3)
    run.step()
    queue.finish()
    run.set_grads()
    run.step()
    queue.finish()
    until = blocked(queue)
    run.step()
    del run.grads_on_device, run.states
    gc.collect()
    others = [cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, 160_000) for _ in range(12)]
    ahead = cl.CommandQueue(queue.context)
    for other in others:
        cl.enqueue_fill_buffer(ahead, other, np.float32(np.nan), 0, 160_000)
    ahead.finish()
    until.set_status(cl.command_execution_status.COMPLETE)
    run.check()


def test_a_step_waits_for_events_that_arrays_have_got(queue):
    run = Run(queue, [3, 4, 5])
    run.step()
    queue.finish()
    until = cl.UserEvent(queue.context)
    run.grads_on_device[1].add_event(until)
    run.step()
    end = cl.enqueue_marker(queue)
    queue.flush()
    time.sleep(0.02)
    assert end.command_execution_status > cl.command_execution_status.COMPLETE
    until.set_status(cl.command_execution_status.COMPLETE)
    run.check()
    run.step()
    run.check()


@pytest.mark.parametrize("sizes", [[1, 5], [1], [0, 1, 1]])
def test_a_list_may_begin_with_one_element(sizes, queue):
    run = Run(queue, sizes)
    run.step()
    run.check()
