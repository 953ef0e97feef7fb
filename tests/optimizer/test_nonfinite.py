"""Gradients that hold an infinity or NaN: computed with, refused or left out, as a whole call."""

import copy
import pickle
import threading
import tracemalloc
import warnings

import ml_dtypes
import numpy as np
import pytest
from devices import computes, every_device, on_device, on_host

import weightopt_core as mx
from weightopt_core.backends import backend_of

DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
by_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
BAD = [np.nan, np.inf, -np.inf]


class Own(mx.Optimizer):
    """It has no rule."""

    def create_state(self, index, weight):
        return None

    def update(self, index, weight, grad, state):
        self._update_count(index)
        weight[...] -= np.asarray(grad, weight.dtype)


@pytest.mark.parametrize("cls", [mx.optimizer.Adam, Own])
def test_gradients_of_what_is_frozen_may_be_anything(cls):
    made = cls(on_nonfinite="raise")
    made.freeze("a")
    weights = [np.ones(1), np.ones(1)]
    states = [made.create_state(name, weight) for name, weight in zip("ab", weights)]
    made.update(["a", "b"], weights, [np.array([np.nan]), np.ones(1)], states)
    made.update("a", weights[0], np.array([np.nan]), states[0])
    assert weights[0] == 1
    assert weights[1] < 1
    assert made._index_update_count == {"b": 1}


class Written:
    """Where an update may come from: a class that is no optimizer."""

    def update(self, index, weight, grad, state):
        weight -= grad


class Mixed(Written, mx.Optimizer):
    pass


def optimizer(**given):
    return mx.optimizer.create("adam", **given)


def words(dtype):
    return np.dtype(f"u{np.dtype(dtype).itemsize}")


def edges(dtype):
    """Return the finite numbers next to those that are not, and the first and last NaN."""
    top = np.array(np.inf, dtype).view(words(dtype))
    finite = np.array([top - 1, 0, 1], words(dtype))
    sign = words(dtype).type(1) << (8 * finite.itemsize - 1)
    return (
        np.concatenate([finite, finite | sign]).view(dtype),
        np.array([top, top | sign, top + 1, top | (top >> 1), sign - 1, ~finite[1]]).view(dtype),
    )


@by_dtype
def test_every_bit_pattern_of_16_bits_and_the_edges_of_others(dtype):
    find = backend_of(np.zeros(1)).nonfinite
    finite, others = edges(dtype)
    assert np.isfinite(finite.astype(float)).all()
    with np.errstate(invalid="ignore"):  # some of these NaN signal
        assert not np.isfinite(others.astype(float)).any()
    if finite.itemsize == 2:
        numbers = np.arange(1 << 16, dtype=np.uint16).view(dtype)
        is_finite = np.isfinite(numbers.astype(np.float32))
        finite, others = numbers[is_finite], numbers[~is_finite]
    assert find([finite, finite[:0]], "grad") == []
    apart = [np.array([value], dtype) for value in others]
    assert find([finite, *apart], "grad") == list(range(1, len(apart) + 1))


@by_dtype
@pytest.mark.parametrize("threads", [1, 3])
def test_a_place_anywhere_is_found(dtype, threads, rng):
    mx.set_num_threads(threads)
    try:
        find = backend_of(np.zeros(1)).nonfinite
        arrays = [np.ones(size, dtype) for size in (0, 1, 16384, 3, 0, 50_001, 7, 0)]
        assert find(arrays, "grad") == []
        for which in (1, 2, 3, 5, 6):
            for at in {0, arrays[which].size - 1, int(rng.integers(arrays[which].size))}:
                arrays[which][at] = np.inf
                assert find(arrays, "grad") == [which]
                arrays[which][at] = 1
        arrays[2][5] = arrays[6][0] = np.nan
        assert find(arrays, "grad") == [2, 6]
    finally:
        mx.set_num_threads(None)


def test_other_layouts_and_types_of_an_optimizer_without_a_rule():
    find = backend_of(np.zeros(1)).nonfinite
    strided = np.arange(12.0).reshape(3, 4)[:, ::2]
    swapped = strided.astype(">f4")
    assert find([strided, swapped, np.arange(3), np.array([True]), np.array(1j)], "grad") == []
    strided[1, 1] = swapped[0, 0] = np.nan
    assert find([strided, np.arange(3), swapped, np.array(np.inf)], "grad") == [0, 2, 3]
    with pytest.raises(TypeError, match=r"^dtype of grad: expected numbers, got object"):
        find([np.array([object()])], "grad")


def bytes_of(arrays):
    return [on_host(array).tobytes() for array in arrays]


class Run:
    """Three weights with their states, as lists."""

    def __init__(self, dtype, make=np.copy, **given):
        rng = np.random.default_rng(5)
        self.made = make
        self.optimizer = optimizer(**given)
        self.weights = [make(rng.normal(size=n).astype(dtype)) for n in (4, 40_000, 7)]
        self.host = [rng.normal(size=n).astype(dtype) for n in (4, 40_000, 7)]
        self.states = [self.optimizer.create_state(*pair) for pair in enumerate(self.weights)]

    def grads(self, bad=None, which=1, at=20_000):
        grads = [grad.copy() for grad in self.host]
        if bad is not None:
            grads[which][at] = bad
        return [self.made(grad) for grad in grads]

    def step(self, **where):
        self.optimizer.update([0, 1, 2], self.weights, self.grads(**where), self.states)

    def all(self):
        counts = dict(self.optimizer._index_update_count), self.optimizer.num_update
        return bytes_of([*self.weights, *(a for state in self.states for a in state)]), counts


def check_a_run(dtype, make):
    for bad in BAD:
        run, plain = (Run(dtype, make, on_nonfinite=word) for word in ("skip", "propagate"))
        run.step()
        plain.step()
        before = run.all()
        assert before == plain.all()
        with pytest.warns(UserWarning, match=r"^grad of 1: expected finite numbers, got .*skipped"):
            run.step(bad=bad)
        assert run.all() == before
        assert run.optimizer.skipped == 1
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run.step(bad=bad, which=2, at=6)
            run.step()
        assert run.optimizer.skipped == 2
        plain.step()
        assert run.all() == plain.all()
        run.optimizer.on_nonfinite = "raise"
        before = run.all()
        with pytest.raises(FloatingPointError, match=r"^grad of 0: expected finite numbers, got"):
            run.step(bad=bad, which=0, at=3)
        assert run.all() == before
        run.optimizer.on_nonfinite = "propagate"
        run.step(bad=bad)
        assert run.optimizer.num_update == 3
        assert not np.isfinite(on_host(run.weights[1])[20_000].astype(float))


@by_dtype
def test_a_call_is_whole_or_has_not_been(dtype):
    check_a_run(dtype, np.copy)


@every_device
@by_dtype
def test_the_same_on_a_device(queue, dtype):
    if not computes(queue, dtype):
        pytest.skip("the device does not compute in this dtype")
    check_a_run(dtype, lambda values: on_device(queue, values, offset=3))


@every_device
@by_dtype
def test_edges_on_a_device(queue, dtype):
    if not computes(queue, dtype):
        pytest.skip("the device does not compute in this dtype")
    finite, others = edges(dtype)
    arrays = [on_device(queue, values) for values in (finite, *others.reshape(-1, 1), finite[:0])]
    find = backend_of(arrays[0]).nonfinite
    assert find(arrays, "grad") == list(range(1, len(others) + 1))


@pytest.mark.parametrize("make", [Own, Mixed])
def test_an_optimizer_without_a_rule_looks_at_the_whole_list_first(make):
    weights, grads = [np.ones(3), np.ones(2)], [np.ones(3), np.array([1, np.nan])]
    own = make(on_nonfinite="raise", param_idx2name={4: "fc_weight"})
    with pytest.raises(FloatingPointError, match=r"^grad of 4 \('fc_weight'\): expected finite"):
        own.update([3, 4], weights, grads, [None, None])
    with pytest.raises(FloatingPointError):
        own.update(4, weights[1], grads[1], None)
    own.on_nonfinite = "skip"
    with pytest.warns(UserWarning, match="skipped"):
        own.update([3, 4], weights, grads, [None, None])
    own.update(4, weights[1], grads[1], None)
    assert own.skipped == 2
    assert own.num_update == 0
    assert [weight.tolist() for weight in weights] == [[1, 1, 1], [1, 1]]
    own.update((3,), weights[:1], grads[:1], (None,))
    assert weights[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("make", [optimizer, Own])
def test_an_updater_keeps_no_state_of_a_first_update_that_is_skipped(make):
    updater = mx.optimizer.get_updater(make(on_nonfinite="skip"))
    weights, grads = [np.ones(3), np.ones(2)], [np.ones(3), np.array([1, np.inf])]
    with pytest.warns(UserWarning, match="grad of 'b'"):
        updater(["a", "b"], grads, weights)
    updater("b", grads[1], weights[1])
    assert updater.states == {}
    assert not updater._seen
    assert updater.optimizer.skipped == 2
    updater("a", grads[0], weights[0])
    updater(["a", "b"], grads, weights)
    assert list(updater.states) == ["a"]
    assert dict(updater.optimizer._index_update_count) == {"a": 1}


def test_a_loaded_state_waits_where_an_update_is_skipped():
    first = mx.optimizer.get_updater(optimizer())
    weight, plain = np.ones(3), np.ones(3)
    for array in (weight, plain):
        first(0, np.ones(3), array)
        saved = first.get_states()
        first.states.clear()
    second = mx.optimizer.get_updater(optimizer(on_nonfinite="skip"))
    words = "on_nonfinite: the states were saved with 'propagate'.*goes on with 'skip'"
    with pytest.warns(UserWarning, match=words):
        second.set_states(saved)
    with pytest.warns(UserWarning, match="grad of 0"):
        second(0, np.full(3, np.nan), weight)
    third = mx.optimizer.get_updater(optimizer())
    third.set_states(saved)
    second(0, np.ones(3), weight)
    third(0, np.ones(3), plain)
    assert weight.tobytes() == plain.tobytes()
    assert second.optimizer.num_update == third.optimizer.num_update


def test_a_warning_that_is_an_error_leaves_all_as_it_was():
    one = optimizer(on_nonfinite="skip")
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(UserWarning, match="grad of 0"):
                one.update(0, np.ones(2), np.full(2, np.inf), one.create_state(0, np.ones(2)))
        assert one.skipped == one.num_update == 0


def test_messages_name_some():
    one = optimizer(on_nonfinite="raise")
    weights = [np.ones(1) for _ in range(20)]
    states = [one.create_state(0, weight) for weight in weights]
    with pytest.raises(FloatingPointError, match=r"grad of 0, 1, .*, 7, and 12 more: expected"):
        one.update(list(range(20)), weights, [np.full(1, np.nan)] * 20, states)


def test_the_word_is_checked_and_kept():
    for wrong, kind in (("ignore", ValueError), (True, TypeError), (None, TypeError)):
        with pytest.raises(kind, match=r"on_nonfinite: expected 'propagate' or 'raise' or 'skip'"):
            optimizer(on_nonfinite=wrong)
    one = optimizer(on_nonfinite="skip")
    assert repr(one) == "Adam(on_nonfinite='skip')"
    with pytest.warns(UserWarning, match="skipped"):
        one.update(0, np.ones(1), np.full(1, np.nan), one.create_state(0, np.ones(1)))
    for twin in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert (twin.on_nonfinite, twin.skipped) == ("skip", 1)
        twin.update(0, np.ones(1), np.full(1, np.nan), twin.create_state(0, np.ones(1)))
        assert (twin.skipped, one.skipped) == (2, 1)
    with pytest.raises(AttributeError):
        one.skipped = 0


def test_what_is_no_gradient_is_refused_as_ever():
    one = optimizer(on_nonfinite="skip")
    weight = np.ones(3)
    state = one.create_state(0, weight)
    for grad, kind in ((None, TypeError), ([1.0], TypeError), (np.ones(2), ValueError)):
        with pytest.raises(kind, match="grad"):
            one.update(0, weight, grad, state)
    with pytest.raises(ValueError, match=r"^grad: expected a list of 2"):
        one.update([0, 1], [weight] * 2, [weight], [state] * 2)
    assert one.skipped == one.num_update == 0
    one.update([], [], [], [])


def test_threads_count_every_call_that_is_skipped():
    one = optimizer(on_nonfinite="skip")
    weight, grad = np.ones(3), np.full(3, np.nan)
    state = one.create_state(0, weight)
    with pytest.warns(UserWarning, match="skipped"):
        one.update(0, weight, grad, state)

    def skip():
        for _ in range(500):
            one.update(0, weight, grad, state)

    threads = [threading.Thread(target=skip) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.skipped == 2001


def test_nothing_is_copied():
    one = optimizer(on_nonfinite="raise")
    weight, grad = np.ones(1 << 20), np.ones(1 << 20)
    state = one.create_state(0, weight)
    one.update(0, weight, grad, state)
    tracemalloc.start()
    one.update(0, weight, grad, state)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


def test_nothing_is_looked_at_where_it_is_off(monkeypatch):
    one = optimizer()
    weight = np.ones(3)
    state = one.create_state(0, weight)
    updater = mx.optimizer.get_updater(one)

    def refuse(*given):
        raise AssertionError("looked at")

    monkeypatch.setattr(backend_of(weight), "nonfinite", refuse)
    one.update(0, weight, np.full(3, np.nan), state)
    updater(1, np.ones(3), weight)
    one.on_nonfinite = "skip"
    with pytest.raises(AssertionError, match="looked at"):
        one.update(0, weight, weight, state)
