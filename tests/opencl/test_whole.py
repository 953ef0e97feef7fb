"""A step on an OpenCL device is taken as a whole, or not at all."""

import importlib.metadata
import signal
import threading

import numpy as np
import pytest
from devices import every_device, is_slow, on_device, on_host

import weightopt_core as mx
from weightopt_core.backends.interface import PLAIN

cl = pytest.importorskip("pyopencl")
launches = pytest.importorskip("weightopt_core.backends.opencl.launches")

pytestmark = every_device
COUNT = 200


@pytest.fixture
def run(queue, monkeypatch):
    """Return an optimizer and what its `update` takes: steps of several launches."""
    traits = launches.traits_of(queue.device)._replace(fixed=False)
    monkeypatch.setattr(launches, "traits_of", lambda _: traits)
    count = 140 if is_slow(queue) else COUNT
    weights, grads = (
        [on_device(queue, np.full(3, value, np.float32)) for _ in range(count)] for value in (0, -1)
    )
    optimizer = mx.optimizer.create("sgd", learning_rate=1.0)
    given = list(range(count)), weights, grads, [None] * count
    for _ in range(2):
        optimizer.update(*given)
    (plan,) = [optimizer._rates.calls.find(given[0], optimizer._rates.true).bound]
    (many,) = plan.launches
    assert len(many.launches) > 2
    return optimizer, given


def check(optimizer, given, steps=None):
    """Assert that all weights have seen as many steps as were counted."""
    counts = set(optimizer._index_update_count.values())
    assert len(counts) == 1
    values = {float(value) for weight in given[1] for value in on_host(weight)}
    assert values == counts
    assert steps is None or counts == {steps}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
@pytest.mark.skipif(
    tuple(map(int, importlib.metadata.version("pyopencl").split("."))) < (2026, 1, 4),
    reason="pyopencl before 2026.1.4 ends the process where Ctrl-C comes into its own code",
)
def test_interrupts(run, queue):
    if is_slow(queue):
        pytest.skip("the simulator takes longer for a step than until it is interrupted")
    optimizer, given = run
    assert threading.current_thread() is threading.main_thread()
    rounds = 1500
    delays = np.random.default_rng(0).uniform(1e-6, 6e-4, rounds)
    interrupted = 0

    def interrupt(*_):
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGALRM, interrupt)
    try:
        for delay in delays:
            try:
                signal.setitimer(signal.ITIMER_REAL, delay)
                optimizer.update(*given)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupted += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    assert interrupted > rounds / 20
    check(optimizer, given)


@pytest.fixture
def fail(monkeypatch):
    """Return a function that lets a launch of the next step fail."""
    launch = cl.enqueue_nd_range_kernel

    def at(number):
        left = [number]

        def enqueue(*arguments):
            left[0] -= 1
            if left[0] == -1:
                raise cl.LogicError("a launch failed")
            return launch(*arguments)

        monkeypatch.setattr(cl, "enqueue_nd_range_kernel", enqueue)

    return at


def test_the_first_launch_fails(run, fail):
    optimizer, given = run
    fail(0)
    with pytest.raises(cl.LogicError, match="a launch failed"):
        optimizer.update(*given)
    check(optimizer, given, 2)
    optimizer.update(*given)
    check(optimizer, given, 3)


def test_another_launch_fails(run, fail):
    """What has been launched cannot be taken back; the error says so."""
    optimizer, given = run
    fail(1)
    with pytest.raises(RuntimeError, match=r"launch 2 of the \d+ of a step failed .* have changed"):
        optimizer.update(*given)
    assert set(optimizer._index_update_count.values()) == {3}
    assert {float(on_host(weight)[0]) for weight in given[1]} == {2.0, 3.0}


class Turn:
    """Counts, and refuses to when it is told so."""

    def __init__(self):
        self.count, self.refuses = 0, False

    def commit(self):
        if self.refuses:
            raise LookupError("stale")
        self.count += 1

    def uncommit(self):
        self.count -= 1


def test_a_turn_counts_just_before_the_first_launch(run, fail, queue):
    if is_slow(queue):
        pytest.skip("Oclgrind runs commands when they are flushed, and waits for events there")
    optimizer, given = run
    plan = optimizer._rates.calls.find(given[0], optimizer._rates.true).bound
    call = optimizer._rates.calls.find(given[0], optimizer._rates.true)
    ahead = call.ahead(optimizer._rates.multipliers, 0)
    evaluator = optimizer._stepper.evaluators[optimizer.rule]
    constants = evaluator.of_groups(optimizer, ahead, optimizer.lr, optimizer.wd)
    turn, step = Turn(), (optimizer.rule, *given[1:], PLAIN)
    until = cl.UserEvent(queue.context)
    given[2][0].events.append(until)
    turn.refuses = True
    for take in (
        lambda: plan.run(constants, [], given[0], None, turn),
        lambda: plan.again(*step, constants, [], given[0], None, turn),
    ):
        with pytest.raises(LookupError, match="stale"):
            take()
    turn.refuses = False
    fail(0)
    with pytest.raises(cl.LogicError):
        plan.run(constants, [], given[0], None, turn)
    assert turn.count == 0
    # Nothing has been taken, so the event has still to be waited for.
    assert plan.again(*step, constants, [], given[0], None, turn)
    assert turn.count == 1
    end = cl.enqueue_marker(queue)
    queue.flush()
    assert end.command_execution_status > cl.command_execution_status.COMPLETE
    until.set_status(cl.command_execution_status.COMPLETE)
    assert {float(on_host(weight)[0]) for weight in given[1]} == {3.0}


def test_kernels_are_not_shared_by_launches_that_are_prepared(run):
    """Each has arguments of its own."""
    optimizer, given = run
    (many,) = optimizer._rates.calls.find(given[0], optimizer._rates.true).bound.launches
    ready = many.prepare(np.ones((len(given[0]), 9)), [], None)
    assert len({one.kernel.int_ptr for one in ready}) == len(ready)


def test_no_kernel_is_made_for_another_step(run):
    """Not for new gradients either."""
    optimizer, given = run
    (many,) = optimizer._rates.calls.find(given[0], optimizer._rates.true).bound.launches
    free = len(many.kernels.free)
    assert free == len(many.launches)
    for _ in range(3):
        grads = [grad.copy() for grad in given[2]]
        optimizer.update(given[0], given[1], grads, given[3])
    assert len(many.kernels.free) == free
