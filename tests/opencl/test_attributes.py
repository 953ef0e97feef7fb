"""A repeated step on an OpenCL device sees what was assigned to its arrays, and who uses it."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from devices import every_device, is_slow, on_device, on_host

import weightopt_core as mx

cl = pytest.importorskip("pyopencl")
Array = pytest.importorskip("pyopencl.array").Array

pytestmark = every_device


class Pair:
    """A weight and a gradient of ones that were stepped over twice: the weight is -1."""

    def __init__(self, queue, kind=Array):
        self.weight, self.grad = (
            kind(queue, (8,), np.float32, data=on_device(queue, np.ones(8, np.float32)).base_data)
            for _ in range(2)
        )
        self.optimizer = mx.optimizer.create("sgd", learning_rate=1.0)
        for _ in range(2):
            self.step()

    def step(self):
        self.optimizer.update(0, self.weight, self.grad, None)

    def assign(self, **values):
        """Assign to both arrays."""
        for array in (self.weight, self.grad):
            for name, value in values.items():
                setattr(array, name, value)

    def whole(self):
        """Return all elements of the weight's buffer."""
        found = np.empty(8, np.float32)
        cl.enqueue_copy(cl.CommandQueue(self.weight.context), found, self.weight.base_data)
        return found.tolist()


@pytest.fixture
def pair(queue):
    made = Pair(queue)
    queue.finish()
    assert made.whole() == [-1.0] * 8
    return made


FEWER = {"shape": (4,), "strides": (4,), "size": 4, "nbytes": 16}


def test_a_shape(pair, queue):
    pair.assign(**FEWER)
    pair.step()
    queue.finish()
    assert pair.whole() == [-2.0] * 4 + [-1.0] * 4


def test_an_offset(pair, queue):
    pair.assign(**FEWER)
    pair.weight.offset = 16
    pair.step()
    queue.finish()
    assert pair.whole() == [-1.0] * 4 + [-2.0] * 4


def test_a_dtype(pair, queue):
    pair.assign(dtype=np.dtype(np.float16), strides=(2,), nbytes=16)
    pair.step()
    queue.finish()
    expected = np.full(8, -1, np.float32)
    expected.view(np.float16)[:8] -= np.ones(8, np.float32).view(np.float16)[:8]
    assert pair.whole() == expected.tolist()


def test_another_queue(pair, queue):
    """The step goes there, though the former queue cannot go on."""
    until = cl.UserEvent(queue.context)
    cl.enqueue_barrier(queue, wait_for=[until])
    other = cl.CommandQueue(queue.context)
    pair.assign(queue=other)
    pair.step()
    other.finish()
    assert pair.whole() == [-2.0] * 8
    until.set_status(cl.command_execution_status.COMPLETE)
    queue.finish()
    assert pair.whole() == [-2.0] * 8


def refuse(pair, queue, kind, message):
    """Assert that another step is refused, as one of a new optimizer is."""
    for optimizer in (pair.optimizer, mx.optimizer.create("sgd"), pair.optimizer):
        before = dict(optimizer._index_update_count)
        with pytest.raises(kind, match=message):
            optimizer.update(0, pair.weight, pair.grad, None)
        assert optimizer._index_update_count == before
    queue.finish()
    assert pair.whole() == [-1.0] * 8


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"queue": None}, ValueError, "queue of weight: expected a command queue, got None"),
        ({"queue": "0"}, ValueError, "queue of weight: expected a command queue, got str"),
        ({"shape": (4,)}, ValueError, r"size of weight: expected 4, as .* \(4,\), got 8; make a"),
        ({"size": 4}, ValueError, "size of weight: expected 8"),
        ({"nbytes": 16}, ValueError, "nbytes of weight: expected 32"),
        ({"shape": [8]}, TypeError, r"shape of weight: expected a tuple, got \[8\]"),
        ({"strides": (8,)}, ValueError, "weight: expected a C-contiguous array"),
        ({"strides": ()}, ValueError, "weight: expected a C-contiguous array"),
        ({"offset": 4}, ValueError, "buffer of weight: expected at least 36 bytes, got 32"),
        ({"offset": -4}, ValueError, "offset of weight: expected a multiple of 4 bytes, got -4"),
        ({"offset": 4.0}, TypeError, r"offset of weight: expected an integer, got 4\.0"),
        ({"offset": np.array(4)}, TypeError, "offset of weight: expected an integer"),
        ({"dtype": np.float32}, TypeError, "dtype of weight: expected a numpy.dtype"),
        ({"dtype": np.dtype(">f4")}, TypeError, "dtype of weight: expected native .* got >f4"),
        ({"events": ()}, TypeError, r"events of weight: expected a list, got \(\)"),
        ({"base_data": None}, TypeError, "memory of weight: expected a buffer, got NoneType"),
    ],
)
def test_what_does_not_fit(values, kind, message, pair, queue):
    kept = pair.weight.base_data
    pair.assign(**values)
    if "base_data" in values:
        pair.whole = lambda: [-1.0] * 8
    refuse(pair, queue, kind, message)
    pair.weight.base_data = kept


def test_the_queue_of_one(pair, queue):
    pair.weight.queue = cl.CommandQueue(queue.context)
    refuse(pair, queue, ValueError, "queue of grad: expected that of the first weight")


def test_all_attributes_at_once(pair, queue):
    values = vars(pair.weight) | FEWER | {"offset": 16}
    pair.weight.__dict__ = values
    pair.grad.__dict__ = vars(pair.grad) | FEWER
    pair.step()
    queue.finish()
    assert pair.whole() == [-1.0] * 4 + [-2.0] * 4


def test_an_array_of_a_class_that_computes_its_attributes(queue):
    class Moving(Array):
        """Has its offset from elsewhere."""

        at = 0
        offset = property(lambda self: self.at, lambda self, value: None)

    pair = Pair(queue, Moving)
    pair.assign(**FEWER)
    Moving.at = 16
    pair.step()
    queue.finish()
    assert pair.whole() == [-1.0] * 4 + [-2.0] * 4


def test_a_buffer_that_was_released(pair):
    queue = cl.CommandQueue(pair.weight.context)
    pair.weight.queue.finish()
    pair.weight.base_data.release()
    for _ in range(2):
        with pytest.raises(ValueError, match="expected buffers that are alive, got one that was"):
            pair.step()
        assert pair.optimizer._index_update_count == {0: 2}
    pair.weight.base_data = on_device(queue, np.ones(8, np.float32)).base_data
    pair.step()
    np.testing.assert_array_equal(on_host(pair.weight), 0)


def test_a_released_buffer_among_many(queue):
    count = 4 if is_slow(queue) else 60
    arrays = [[on_device(queue, np.ones(3, np.float32)) for _ in range(count)] for _ in range(2)]
    optimizer = mx.optimizer.create("sgd")
    given = list(range(count)), *arrays, [None] * count
    for _ in range(2):
        optimizer.update(*given)
    queue.finish()
    arrays[1][count // 2].base_data.release()
    errors = []
    for _ in range(10):  # some buffers are looked at each time
        try:
            optimizer.update(*given)
        except ValueError as error:
            errors.append(str(error))
    assert len(errors) > 1
    assert all("got one that was released" in error for error in errors)
    assert optimizer._index_update_count[0] == 12 - len(errors)


def test_lists_that_change_while_the_rule_asks_for_numbers(queue):
    """Whoever is asked in the middle of a step may change the lists, or let arrays go."""
    base = type(mx.optimizer.create("lamb"))
    lists = [[on_device(queue, np.ones(8, np.float32)) for _ in range(2)] for _ in range(2)]

    class Careless(base):
        """Empties the gradients."""

        def _numbers(self, rule, index):
            lists[1].clear()
            gc.collect()
            return super()._numbers(rule, index)

    optimizer, plain = Careless(), mx.optimizer.create("lamb")
    grads = [[*map(on_host, lists[1])] for _ in range(3)]
    host = [np.ones(8, np.float32) for _ in range(2)]
    states = [
        [o.create_state(i, w) for i, w in enumerate(ws)]
        for o, ws in ((optimizer, lists[0]), (plain, host))
    ]
    for given in grads:
        lists[1][:] = [on_device(queue, grad) for grad in given]
        optimizer.update([0, 1], *lists, states[0])
        plain.update([0, 1], host, given, states[1])
    for weight, expected in zip(lists[0], host, strict=True):
        np.testing.assert_array_equal(on_host(weight), expected)


def test_steps_within_a_step(queue):
    """Numbers that take a step of another weight, by the same rule, while norms are in use."""
    base = type(mx.optimizer.create("lamb"))
    rng = np.random.default_rng(0)
    values = rng.normal(size=(4, 5000)).astype(np.float32)

    def run(place, fetch):
        weights, grads = [place(v) for v in values[:2]], [place(v) for v in values[2:]]
        inner = mx.optimizer.create("lamb")
        kept = [inner.create_state(0, weights[1])]

        class Outer(base):
            def _numbers(self, rule, index):
                inner.update(0, weights[1], grads[1], kept[0])
                return super()._numbers(rule, index)

        outer = Outer()
        state = outer.create_state(0, weights[0])
        for _ in range(3):
            outer.update(0, weights[0], grads[0], state)
        return [fetch(weight) for weight in weights]

    found = run(lambda v: on_device(queue, v), on_host)
    np.testing.assert_array_equal(found, run(np.copy, np.copy))


def test_lists_of_other_kinds(queue):
    class Lazy(list):
        """Makes its items when asked."""

        def __init__(self, items):
            super().__init__()
            self.parts = items

        def __len__(self):
            return len(self.parts)

        def __iter__(self):
            return iter(self.parts)

        def __getitem__(self, i):
            return self.parts[i]

    weights, grads = ([on_device(queue, np.ones(4, np.float32)) for _ in range(2)] for _ in "wg")
    optimizer = mx.optimizer.create("sgd", learning_rate=1.0)
    for _ in range(3):
        optimizer.update([0, 1], weights, Lazy(grads), [None, None])
    for weight in weights:
        np.testing.assert_array_equal(on_host(weight), -2)


def test_the_same_arrays_from_several_threads(queue):
    """Steps follow one another in the queue, each is whole, and nothing is kept of the arrays."""
    if is_slow(queue):
        pytest.skip("Oclgrind crashes when several threads use it")
    steps = 50
    weights = [on_device(queue, np.ones(300, np.float32)) for _ in range(3)]
    grads = [on_device(queue, np.ones(300, np.float32)) for _ in range(3)]
    optimizers = [mx.optimizer.create("sgd", learning_rate=1.0) for _ in range(4)]
    shared = [None] * 3

    def on_thread(optimizer, weights, grads):
        for _ in range(steps):
            optimizer.update([0, 1, 2], weights, grads, shared)

    with ThreadPoolExecutor(len(optimizers)) as pool:
        for done in [pool.submit(on_thread, o, weights, grads) for o in optimizers]:
            done.result()
    found = [on_host(weight) for weight in weights]
    np.testing.assert_array_equal(found, 1 - steps * len(optimizers))
    gone = [weakref.ref(array) for array in (*weights, *grads)]
    del weights, grads, done
    gc.collect()
    assert [ref() for ref in gone] == [None] * 6


def test_a_plan_is_for_one_thread(queue):
    """A step in another thread makes its own."""
    pair = Pair(queue)
    (call,) = [pair.optimizer._rates.calls.find((0,), pair.optimizer._rates.true)]
    plan = call.bound
    pair.step()
    assert call.bound is plan
    with ThreadPoolExecutor(1) as pool:
        pool.submit(pair.step).result()
    assert call.bound is not plan
    np.testing.assert_array_equal(on_host(pair.weight), -3)
