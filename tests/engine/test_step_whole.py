"""A step is whole or has not been, whatever raises, and wherever code of users runs."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.rule import norm

needs_timer = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")


@mx.update_rule
def plain(weight, grad, *, lr):
    return weight - lr * grad


@mx.update_rule
def normed(weight, grad, *, lr):
    return weight - lr / norm(grad) * grad


class Plain(mx.Optimizer):
    """A rule that is not compiled."""

    rule = plain


class Numbered(mx.optimizer.SGD):
    def numbers(self, index, t):
        return {"lr": 1.0}


class ByIndex(mx.optimizer.SGD):
    def _update_count(self, index):
        super()._update_count(index)

    def _get_lr(self, index):
        return 1.0


class Scheduled(mx.optimizer.SGD):
    def __init__(self, **kwargs):
        super().__init__(lr_scheduler=lambda_scheduler(lambda count: 1.0), **kwargs)


def lambda_scheduler(function):
    class Scheduler(mx.lr_scheduler.LRScheduler):
        def __call__(self, num_update):
            return function(num_update)

    return Scheduler()


KINDS = [mx.optimizer.SGD, Numbered, ByIndex, Scheduled, Plain]


def create(kind, **given):
    if kind in (mx.optimizer.SGD, Plain):
        given["learning_rate"] = 1.0
    return kind(**given)


def interrupted(step, seconds):
    """Step again and again until Ctrl-C comes after so many seconds.

    Python drops what a handler raises while an object is finalized, so it comes again.
    """
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
        while True:
            step()
    except KeyboardInterrupt:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@needs_timer
@pytest.mark.parametrize("size", [4, 50_000])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_weights_and_counts_agree_after_ctrl_c(kind, count, size, rng):
    """With a rate of 1 and gradients of 1, each weight is minus its count."""
    optimizer = create(kind)
    weights = [np.zeros(size) for _ in range(count)]
    given = list(range(count)), weights, [np.ones(size)] * count, [None] * count
    for _ in range(40):
        interrupted(lambda: optimizer.update(*given), rng.uniform(1e-4, 2e-3))
        counts = [optimizer._index_update_count.get(i, 0) for i in range(count)]
        for weight, counted in zip(weights, counts, strict=True):
            assert set(weight) == {-counted}
        assert optimizer.num_update == max(counts)


@needs_timer
@pytest.mark.parametrize("many", [False, True])
def test_an_updater_keeps_the_state_of_a_step_that_has_been(many, rng):
    size, seen = 200_000, set()
    began = time.perf_counter()
    mx.optimizer.get_updater(mx.optimizer.create("sgd", momentum=0.5))(
        0, np.ones(size), np.zeros(size)
    )
    took = time.perf_counter() - began
    for _ in range(40):
        updater = mx.optimizer.get_updater(
            mx.optimizer.create("sgd", momentum=0.5, learning_rate=1)
        )
        weight, grad = np.zeros(size), np.ones(size)
        given = ([0], [grad], [weight]) if many else (0, grad, weight)
        calls = []

        def step(updater=updater, given=given, calls=calls):
            if calls:
                time.sleep(1)
            calls.append(updater(*given))

        interrupted(step, rng.uniform(0.2, 3) * took)
        counted = updater.optimizer._index_update_count.get(0, 0)
        assert set(weight) == {-counted}
        assert updater.states.keys() == ({0} if counted else set())
        if counted:
            assert set(updater.states[0]) == {-1}
        seen.add(counted)
    assert 1 in seen


def failing_numbers(fails):
    class Failing(mx.optimizer.SGD):
        def numbers(self, index, t):
            return fails()

    return Failing()


def failing_rate(fails):
    class Failing(mx.optimizer.SGD):
        def _get_lr(self, index):
            return fails()

    return Failing()


def failing_decay(fails):
    class Failing(mx.optimizer.SGD):
        def _get_wd(self, index):
            return fails()

    return Failing()


def failing_count(fails):
    class Failing(mx.optimizer.SGD):
        def _update_count(self, index):
            super()._update_count(index)
            fails()

    return Failing()


def failing_schedule(fails):
    return mx.optimizer.SGD(lr_scheduler=lambda_scheduler(lambda count: fails()))


def failing_property(fails):
    class Failing(mx.optimizer.SGD):
        momentum = 0.0
        rescale_grad = property(lambda self: fails())

    return Failing()


class Raises:
    """Raises at the n-th call, and is a number before."""

    def __init__(self, error, at):
        self.error, self.left = error, at

    def __call__(self):
        self.left -= 1
        if self.left <= 0:
            raise self.error("here")
        return 1.0


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "make",
    [failing_rate, failing_decay, failing_count, failing_schedule, failing_property],
)
def test_what_raises_in_the_middle_changes_nothing(make, at, error):
    fails = Raises(error, at)
    optimizer = make(fails)
    weights = [np.ones(3), np.ones(3)]
    given = [0, 1], weights, [np.ones(3)] * 2, [None] * 2
    for _ in range(5):
        before = [weight.copy() for weight in weights]
        counts = dict(optimizer._index_update_count), optimizer.num_update
        try:
            optimizer.update(*given)
        except error:
            np.testing.assert_array_equal(weights, before)
            assert (dict(optimizer._index_update_count), optimizer.num_update) == counts
            break
    else:
        pytest.fail("nothing raised")
    fails.left = 1000
    optimizer.update(*given)
    assert optimizer.num_update == counts[1] + 1


def test_a_rule_that_fails_at_a_later_weight_leaves_the_earlier_ones():
    class Normed(mx.Optimizer):
        rule = normed

    optimizer = Normed(learning_rate=1.0)
    weights, grads = [np.ones(4), np.ones(4)], [np.ones(4), np.zeros(4)]
    with pytest.raises(ZeroDivisionError):
        optimizer.update([0, 1], weights, grads, [None, None])
    np.testing.assert_array_equal(weights, 1)
    assert (optimizer.num_update, optimizer._index_update_count) == (0, {})


def test_lists_that_change_while_numbers_are_formed():
    weights, grads = [np.ones(4), np.ones(4)], [np.ones(4), np.ones(4)]
    optimizer = mx.optimizer.SGD(lr_scheduler=lambda_scheduler(lambda count: grads.clear() or 0.1))
    with pytest.raises(ValueError, match="expected lists that stay as they are"):
        optimizer.update([0, 1], weights, grads, [None, None])
    np.testing.assert_array_equal(weights, 1)
    assert optimizer.num_update == 0


@pytest.mark.parametrize("change", ["resize", "lock", "dtype", "shape", "exchange"])
@pytest.mark.parametrize("kind", [Plain, mx.optimizer.SGD])
@pytest.mark.parametrize("repeated", [False, True])
def test_arrays_that_change_while_numbers_are_formed(change, kind, repeated):
    weight, grad, changes = np.ones(4000, np.float32), np.ones(4000, np.float32), []
    lists = [weight], [grad]

    def schedule(count):
        for do in changes:
            do()
        return 1.0

    todo = {
        "resize": lambda: weight.resize(10, refcheck=False),
        "lock": lambda: setattr(weight.flags, "writeable", False),
        "dtype": lambda: setattr(grad, "dtype", np.int32),
        "shape": lambda: setattr(grad, "shape", (4, 1000)),
        "exchange": lambda: lists[1].__setitem__(0, [1.0]),
    }
    optimizer = kind(lr_scheduler=lambda_scheduler(schedule))
    for _ in range(3 * repeated):
        optimizer.update([0], *lists, [None])
    before, count = weight[:10].copy(), optimizer.num_update
    changes.append(todo[change])
    with pytest.raises((TypeError, ValueError), match="expected"):
        optimizer.update([0], *lists, [None])
    np.testing.assert_array_equal(weight[:10], before)
    assert optimizer.num_update == count


def test_a_list_of_its_own_kind_is_read_as_it_says():
    class Lazy(list):
        def __init__(self, count, make):
            self.count, self.make = count, make

        def __len__(self):
            return self.count

        def __getitem__(self, i):
            if i >= self.count:
                raise IndexError
            return self.make(i)

        def __iter__(self):
            return (self.make(i) for i in range(self.count))

    weights, grads = [np.ones(4), np.ones(4)], [np.ones(4), np.ones(4)]
    optimizer = mx.optimizer.create("sgd", learning_rate=0.25)
    for _ in range(3):
        optimizer.update(
            Lazy(2, [5, 6].__getitem__), weights, Lazy(2, grads.__getitem__), [None, None]
        )
    np.testing.assert_array_equal(weights, 0.25)
    assert optimizer._index_update_count == {5: 3, 6: 3}
    with pytest.raises(ValueError, match="expected"):
        optimizer.update([5, 6], weights, Lazy(3, grads.__getitem__), [None, None])


class Key(str):
    """An index whose hash may run anything."""

    __slots__ = ()
    hook = None
    __eq__ = str.__eq__

    def __hash__(self):
        if Key.hook is not None and self == "outer":
            Key.hook()
        return str.__hash__(self)


@pytest.mark.parametrize("at", range(1, 12))
@pytest.mark.parametrize("known", [0, 7, 8, 15])
def test_an_index_may_count_others_while_it_is_hashed(at, known):
    optimizer, weight, calls = mx.optimizer.create("sgd"), np.ones(2), [0]
    inner = []

    def count_others():
        calls[0] += 1
        if calls[0] == at:
            inner.extend(range(40))
            for i in inner:
                optimizer.update(f"inner {i}", weight, weight.copy(), None)

    for i in range(known):
        optimizer.update(i, weight, weight.copy(), None)
    Key.hook = count_others
    try:
        optimizer.update(Key("outer"), weight, weight.copy(), None)
        optimizer.update([Key("outer"), "last"], [weight, np.ones(2)], [np.ones(2)] * 2, [None] * 2)
    finally:
        Key.hook = None
    expected = dict.fromkeys([*range(known), *(f"inner {i}" for i in inner), "last"], 1)
    assert optimizer._index_update_count == expected | {"outer": 2}


def test_a_scheduler_may_step_another_weight_of_the_optimizer():
    other, busy = np.zeros(3), []

    def schedule(count):
        if not busy:
            busy.append(True)
            optimizer.update("other", other, np.ones(3), None)
            busy.clear()
        return 1.0

    optimizer = mx.optimizer.SGD(lr_scheduler=lambda_scheduler(schedule))
    weight = np.zeros(3)
    for _ in range(4):
        optimizer.update("one", weight, np.ones(3), None)
    np.testing.assert_array_equal([weight, other], -4)
    assert optimizer._index_update_count == {"one": 4, "other": 4}


def test_a_scheduler_that_always_changes_the_count_is_an_error():
    optimizer = mx.optimizer.SGD()

    def schedule(count):
        optimizer._index_update_count[0] = optimizer._index_update_count.get(0, 0) + 1
        return 1.0

    optimizer.lr_scheduler = lambda_scheduler(schedule)
    weight = np.zeros(3)
    with pytest.raises(RuntimeError, match="expected its count to stay"):
        optimizer.update(0, weight, np.ones(3), None)
    np.testing.assert_array_equal(weight, 0)


def test_numbers_may_not_count():
    class Counting(mx.optimizer.SGD):
        def numbers(self, index, t):
            self._index_update_count[index] = 7
            return {}

    optimizer = Counting()
    with pytest.raises(TypeError, match="expected them to be read only"):
        optimizer.update(0, np.ones(2), np.ones(2), None)
    assert optimizer.num_update == 0


@pytest.mark.parametrize("value", [1.5, -3, 2**62 + 1, 2**63, float("nan"), "7", True, None])
def test_counts_are_numbers_that_can_be_counted_on(value):
    optimizer = mx.optimizer.create("sgd")
    for setting in ("num_update", "_index_update_count", "begin_num_update"):
        with pytest.raises((TypeError, ValueError), match=r"expected an integer .*, got"):
            setattr(optimizer, setting, {0: value} if setting[0] == "_" else value)
        with pytest.raises((TypeError, ValueError), match=r"expected an integer .*, got"):
            optimizer._index_update_count[0] = value
    assert (optimizer.num_update, optimizer._index_update_count) == (0, {})


def test_nothing_is_kept_alive_by_a_step_that_failed():
    class Interrupting(mx.optimizer.SGD):
        def numbers(self, index, t):
            if t == 3:
                raise KeyboardInterrupt
            return {}

    optimizer = Interrupting()
    weight, grad = np.ones(100_000, np.float32), np.ones(100_000, np.float32)
    for _ in range(2):
        optimizer.update(0, weight, grad, None)
    before = sys.getrefcount(weight), sys.getrefcount(grad)
    for bad in (grad, np.ones(3, np.float32), "no array"):
        with pytest.raises((KeyboardInterrupt, ValueError, TypeError)):
            optimizer.update(0, weight, bad, None)
    assert (sys.getrefcount(weight), sys.getrefcount(grad)) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_does_not_wait_for_threads_that_it_does_not_have():
    weight, grad = np.zeros(4_000_000, np.float32), np.ones(4_000_000, np.float32)
    optimizer = mx.optimizer.create("sgd", learning_rate=1.0)
    stop = threading.Event()

    def work():
        while not stop.is_set():
            optimizer.update(0, weight, grad, None)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                mx.optimizer.create("sgd").update(0, weight, grad, None)
                os._exit(0)
            deadline = time.monotonic() + 30
            while os.waitpid(child, os.WNOHANG) == (0, 0):
                if time.monotonic() > deadline:
                    os.kill(child, signal.SIGKILL)
                    pytest.fail("the child hangs")
                time.sleep(0.01)
    finally:
        stop.set()
        thread.join()
