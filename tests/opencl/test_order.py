"""On a queue out of order each command waits for what it needs, and for nothing less."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from devices import every_device, is_slow, on_device, on_host

import weightopt_core as mx
from weightopt_core.backends import backend_of

cl = pytest.importorskip("pyopencl")

pytestmark = every_device
COMPLETE = cl.command_execution_status.COMPLETE


@pytest.fixture
def free(queue):
    """Return a queue out of order."""
    if is_slow(queue):
        pytest.skip("Oclgrind runs commands when they are flushed, and waits for events there")
    properties = cl.command_queue_properties.OUT_OF_ORDER_EXEC_MODE_ENABLE
    if not queue.device.queue_properties & properties:
        pytest.skip("the device keeps every queue in order")
    return cl.CommandQueue(queue.context, properties=properties)


@pytest.fixture
def pending(free):
    """Return an event that has not happened; it does at the end of the test at the latest."""
    event = cl.UserEvent(free.context)
    yield event
    if event.command_execution_status > COMPLETE:
        event.set_status(COMPLETE)
    free.finish()


def ones(queue, count=1, size=8):
    return [on_device(queue, np.ones(size, np.float32)) for _ in range(count)]


def is_open(event):
    return event.command_execution_status > COMPLETE


@pytest.mark.parametrize(
    "use",
    [
        lambda array: backend_of(array).fill(array, 2.0),
        lambda array: backend_of(array).scale([array], [2.0]),
        lambda array: mx.init.create("uniform")("fc1_weight", array),
    ],
)
def test_pending_events_are_kept(use, free, pending):
    """A command that is recorded stands beside what has not ended, and after it."""
    (array,) = ones(free)
    array.events.append(pending)
    use(array)
    assert array.events[0] is pending
    assert len(array.events) == 2
    assert is_open(array.events[1])


def test_ended_events_are_dropped(free):
    (array,) = ones(free)
    for _ in range(5):
        backend_of(array).fill(array, 2.0)
        free.finish()
    assert len(array.events) == 1


@pytest.mark.parametrize("count", [1, 3])
def test_each_step_waits_and_is_recorded(count, free, pending):
    """The first, the second and later ones, by their own and by what an array waits for."""
    weights, grads = ones(free, count), ones(free, count)
    optimizer = mx.optimizer.create("sgd", learning_rate=1.0)
    given = list(range(count)), weights, grads, [None] * count
    grads[-1].events.append(pending)
    last = [pending]
    for _ in range(3):
        optimizer.update(*given)
        for array in (*weights, *grads):
            assert array.events[-1] is not last[-1]
            assert is_open(array.events[-1])
        assert pending in grads[-1].events
        last.append(weights[0].events[-1])
    free.flush()
    assert all(is_open(event) for event in last)
    pending.set_status(COMPLETE)
    free.finish()
    assert [on_host(weight)[0] for weight in weights] == [-2.0] * count


def test_an_event_that_comes_between_steps(free, pending):
    weights, grads = ones(free, 2), ones(free, 2)
    optimizer = mx.optimizer.create("sgd", learning_rate=1.0)
    given = [0, 1], weights, grads, [None] * 2
    for _ in range(3):
        optimizer.update(*given)
    free.finish()
    weights[1].events[:] = [pending]
    optimizer.update(*given)
    free.flush()
    assert is_open(weights[0].events[-1])
    assert weights[1].events[0] is pending


@pytest.mark.parametrize("function", ["to_host", "duplicate", "to_float32", "square_sum"])
def test_what_reads_waits(function, free, pending):
    (array,) = ones(free)
    array.events.append(pending)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(getattr(backend_of(array), function), array)
        with pytest.raises(TimeoutError):  # of those that return at once it is the copy that waits
            future.result(0.1) if function in ("to_host", "square_sum") else _wait(future, 0.1)
        cl.enqueue_fill_buffer(
            cl.CommandQueue(free.context), array.base_data, np.full(1, 2, np.float32), 0, 32
        ).wait()
        pending.set_status(COMPLETE)
        found = future.result()
    if function == "square_sum":
        assert found == 32.0
    else:
        np.testing.assert_array_equal(found if function == "to_host" else on_host(found), 2)


def _wait(future, seconds):
    """Raise TimeoutError where what the future's array waits for has not ended by then."""
    (event,) = future.result().events
    if is_open(event):
        raise TimeoutError


def test_a_step_in_another_thread_waits_too(free, pending):
    weights, grads = ones(free), ones(free)
    optimizer = mx.optimizer.create("sgd", learning_rate=1.0)
    for _ in range(2):
        optimizer.update(0, weights[0], grads[0], None)
    call = optimizer._rates.calls.find((0,), optimizer._rates.true)
    plan = call.bound
    grads[0].events.append(pending)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(optimizer.update, 0, weights[0], grads[0], None).result()
    assert call.bound is not plan
    free.flush()
    assert is_open(weights[0].events[-1])
    pending.set_status(COMPLETE)
    np.testing.assert_array_equal(on_host(weights[0]), -2)


def test_masters_that_are_switched_off_between_steps(queue):
    """A plan is for one way to keep states."""
    weight, grad = (on_device(queue, np.ones(8, np.float16)) for _ in range(2))
    optimizer = mx.optimizer.create("sgd", learning_rate=0.5, multi_precision=True)
    state = optimizer.create_state(0, weight)
    for _ in range(2):
        optimizer.update(0, weight, grad, state)
    optimizer.multi_precision = False
    with pytest.raises(ValueError, match=r"state: expected 0 arrays"):
        optimizer.update(0, weight, grad, state)
    optimizer.update(0, weight, grad, None)
    np.testing.assert_array_equal(on_host(weight), -0.5)


def test_numbers_beyond_float32_are_infinite_without_a_warning(queue):
    (array,) = ones(queue)
    grads, weights = ones(queue, 2), ones(queue, 2)
    optimizer = mx.optimizer.create("sgd", learning_rate=1e300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backend_of(array).scale([array], [1e300])
        optimizer.update(0, weights[0], grads[0], None)
        optimizer.update([0, 1], weights, grads, [None] * 2)
    np.testing.assert_array_equal(on_host(array), np.inf)
    np.testing.assert_array_equal(on_host(weights[0]), -np.inf)
