"""Optimizers that compute with whole NumPy arrays: what their base class does for them."""

import copy
import pickle
import sys
import threading
import warnings

import ml_dtypes
import numpy as np
import pytest
from devices import every_device, on_device

import weightopt_core as wo
from weightopt_core.hyperparameters import Real
from weightopt_core.optimizer import HostOptimizer

DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
by_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


class Rows(HostOptimizer):
    """Divides by a mean square of each row, and keeps momentum."""

    beta = Real(0.5, "[0, 1)")

    def state_shapes(self, shape):
        if not shape:
            raise ValueError("weight: expected rows, got none")
        return {"mean": shape, "rows": shape[:1]}

    def compute(self, weight, grad, mean, rows, *, lr, wd, beta):
        mean = beta * mean + grad
        squares = (grad * grad).reshape(len(grad), -1).mean(axis=1)
        rows = beta * rows + (1 - beta) * squares
        root = np.sqrt(rows).reshape(-1, *[1] * (grad.ndim - 1)) + 1
        return weight - lr * (mean / root + wd * weight), mean, rows


class Plain(HostOptimizer):
    def compute(self, weight, grad, *, lr, t):
        return weight - lr * grad / t


def compute_dtype(dtype):
    return np.float64 if dtype is np.float64 else np.float32


@by_dtype
@pytest.mark.parametrize("master", [False, True])
def test_it_is_what_compute_returns_rounded_once(dtype, master):
    master_kept = master and np.dtype(dtype).itemsize == 2
    optimizer = Rows(learning_rate=0.25, rescale_grad=0.5, clip_gradient=1, multi_precision=master)
    weight = np.arange(6, dtype=dtype).reshape(3, 2) / dtype(7)
    state = optimizer.create_state(0, weight)
    assert [one.dtype for one in state] == [compute_dtype(dtype)] * (2 + master_kept)
    assert [one.shape for one in state] == [(3, 2), (3,), (3, 2)][: 2 + master_kept]
    expected = [weight.astype(compute_dtype(dtype)), *map(np.copy, state[:2])]
    rng = np.random.default_rng(0)
    for _ in range(3):
        grad = rng.normal(size=(3, 2), scale=4).astype(dtype)
        optimizer.update(0, weight, grad, state)
        clipped = np.clip(0.5 * grad.astype(expected[0].dtype), -1, 1)
        first, *rest = expected
        expected = [*optimizer.compute(first, clipped, *rest, lr=0.25, wd=0.0, beta=0.5)]
        if not master_kept:
            expected[0] = expected[0].astype(dtype).astype(expected[0].dtype)
        np.testing.assert_array_equal(weight, expected[0].astype(dtype))
        for one, other in zip(state, [*expected[1:], expected[0]]):
            np.testing.assert_array_equal(one, other)


def test_an_optimizer_without_states_counts_and_has_none():
    optimizer, weight = Plain(learning_rate=1), np.zeros(2)
    assert optimizer.create_state(0, weight) is None
    for _ in range(2):
        optimizer.update(0, weight, np.ones(2), None)
    assert weight.tolist() == [-1.5, -1.5]
    assert optimizer.num_update == 2


def test_rates_multipliers_names_and_schedules_are_those_of_any_optimizer():
    names = {0: "a_weight", 1: "b_bias"}
    optimizer = Rows(learning_rate=1, wd=0.5, param_idx2name=names, lr_scheduler=lambda n: 1.0 / n)
    optimizer.set_lr_mult({"a_weight": 0.5})
    optimizer.set_for("b_*", beta=0.0, lr_mult=0.25)
    numbers = {"rescale_grad": 1.0, "clip_gradient": None}
    assert optimizer.numbers_at(0, 2) == {"lr": 0.25, "wd": 0.5, "beta": 0.5, **numbers}
    assert optimizer.numbers_at(1, 2) == {"lr": 0.125, "wd": 0.0, "beta": 0.0, **numbers}
    weights = [np.ones(1), np.ones(1)]
    states = [optimizer.create_state(i, one) for i, one in enumerate(weights)]
    optimizer.update([0, 1], weights, [np.ones(1)] * 2, states)
    assert weights[0] == 1 - 0.5 * (1 / (np.sqrt(0.5) + 1) + 0.5)
    assert weights[1] == 1 - 0.25 * (1 / 2)
    with pytest.raises(TypeError, match="gamma: expected a hyperparameter that the rule takes"):
        optimizer.set_for("b_*", gamma=1)
    optimizer.freeze("b_*")
    optimizer.update([0, 1], weights, [np.zeros(1)] * 2, states)
    assert optimizer._index_update_count == {0: 2, 1: 1}


def test_what_counts_by_itself_is_asked():
    class Twice(Plain):
        def _update_count(self, index):
            super()._update_count(index)
            super()._update_count(index)

    optimizer, weight = Twice(learning_rate=1), np.zeros(1)
    optimizer.update(0, weight, np.ones(1), None)
    assert weight == -0.5
    assert optimizer.num_update == 2


def test_constants_are_those_of_a_rule_alone():
    with pytest.raises(TypeError, match="expected one with a rule, got Rows, which computes"):
        Rows().constants(0, 1)
    with pytest.raises(TypeError, match="no argument 'state_dtype'"):
        Rows(state_dtype="bfloat16")


def spoilt(what):
    arrays = {"weight": np.zeros((3, 2)), "grad": np.ones((3, 2))}
    mean, rows = np.zeros((3, 2)), np.zeros(3)
    if what == "a row too many":
        rows = np.zeros(4)
    elif what == "another dtype":
        rows = np.zeros(3, np.float32)
    elif what == "no state":
        return *arrays.values(), None
    elif what == "an overlap":
        rows = mean.reshape(-1)[:3]
    elif what == "a gradient that is a state":
        arrays["grad"] = mean
    elif what == "no rows":
        arrays = {name: np.zeros(()) for name in arrays}
    return *arrays.values(), (mean, rows)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("a row too many", r"shape of state 'rows': expected \(3,\), got \(4,\)"),
        ("another dtype", "dtype of state 'rows': expected float64, got float32"),
        ("no state", r"state: expected 2 arrays \(mean, rows\), got 0"),
        ("an overlap", "weights and states: expected arrays apart, got an overlap"),
        ("a gradient that is a state", "grad: expected memory apart from every weight and state"),
        ("no rows", "weight: expected rows"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_changes(what, message):
    optimizer, good = Rows(), np.zeros((3, 2))
    weight, grad, state = spoilt(what)
    lists = [good, weight], [np.ones((3, 2)), grad], [optimizer.create_state(0, good), state]
    for call in (optimizer.update, optimizer._check):
        with pytest.raises((ValueError, TypeError), match=message):
            call([0, 1], *lists)
        assert not good.any()
        assert optimizer.num_update == 0


def test_tensors_of_one_call_are_apart_and_gradients_may_be_shared():
    optimizer, whole, grad = Plain(learning_rate=1), np.zeros(6), np.ones(3)
    halves = [whole[:3], whole[3:]]
    optimizer.update([0, 1], halves, [grad, grad], [None, None])
    assert whole.tolist() == [-1] * 6
    with pytest.raises(ValueError, match="overlap"):
        optimizer.update([0, 1], [whole[:3], whole[2:5]], [grad, grad], [None, None])
    assert optimizer.num_update == 1


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda weight, mean: weight, r"expected shapes \[\(2,\), \(2,\)\], got \[\(2,\)\]"),
        (lambda weight, mean: (weight, mean[:1]), r"got \[\(2,\), \(1,\)\]"),
    ],
)
def test_results_that_do_not_fit_are_an_error_and_nothing_changes(returned, message):
    class Wrong(HostOptimizer):
        def compute(self, weight, grad, mean):
            return returned(weight + 1, mean)

    optimizer, weight = Wrong(), np.zeros(2)
    state = optimizer.create_state(0, weight)
    with pytest.raises(ValueError, match=message):
        optimizer.update(0, weight, np.ones(2), state)
    assert not weight.any()
    assert optimizer.num_update == 0


def test_compute_cannot_write_to_what_it_is_given():
    class Writes(HostOptimizer):
        def compute(self, weight, grad):
            weight += 1
            return weight

    optimizer, weight = Writes(), np.zeros(2)
    with pytest.raises(ValueError, match="read-only"):
        optimizer.update(0, weight, np.ones(2), None)
    assert weight.flags.writeable
    assert not weight.any()
    assert optimizer.num_update == 0


def test_gradients_that_are_not_finite_are_looked_for():
    optimizer, weight = Plain(on_nonfinite="skip"), np.zeros(2)
    with warnings.catch_warnings(record=True):
        optimizer.update(0, weight, np.array([1, np.nan]), None)
    assert (optimizer.skipped, optimizer.num_update) == (1, 0)


def test_states_of_their_own_shapes_are_saved_compared_and_resumed():
    grads = np.random.default_rng(0).normal(size=(6, 3, 2))
    updaters, weights = [], []
    for _ in range(2):
        updaters.append(wo.optimizer.get_updater(Rows(learning_rate=0.1)))
        weights.append(np.ones((3, 2)))
    for grad in grads[:3]:
        updaters[0](0, grad, weights[0])
    updaters[1].set_states(updaters[0].get_states())
    weights[1][:] = weights[0]
    for grad in grads[3:]:
        for updater, weight in zip(updaters, weights):
            updater(0, grad, weight)
    np.testing.assert_array_equal(*weights)
    assert updaters[0].get_states() == updaters[1].get_states()
    other = wo.optimizer.get_updater(Rows(learning_rate=0.1))
    other.set_states(updaters[0].get_states())
    with pytest.raises(ValueError, match=r"loaded state of 0: expected \(float64\[2, 3\]"):
        other(0, np.ones((2, 3)), np.ones((2, 3)))


def test_it_is_held_by_others():
    held = wo.optimizer.create("ema", optimizer=Rows(multi_precision=True), decay=0.5)
    weight = np.ones((3, 2), np.float16)
    state = held.create_state(0, weight)
    held.update(0, weight, np.ones((3, 2), np.float16), state)
    average, (_, _, master) = state
    np.testing.assert_array_equal(average, 0.5 + 0.5 * master)
    mixed = wo.optimizer.create("mixed", patterns=["a", "b"], optimizers=[Plain(), "sgd"])
    weights = [np.zeros(1), np.zeros(1)]
    with pytest.raises(ValueError, match="shape of grad"):
        mixed.update(["b", "a"], weights, [np.ones(1), np.ones(2)], [None, None])
    assert weights == [0, 0]


def test_copies_count_for_themselves():
    optimizer, weight = Plain(), np.zeros(1)
    twins = copy.copy(optimizer), pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)
    for twin in twins:
        twin.update(0, weight, np.ones(1), None)
    assert [one.num_update for one in (optimizer, *twins)] == [0, 1, 1, 1]


@every_device
def test_arrays_of_a_device_are_refused_by_name(queue):
    weight = on_device(queue, np.zeros(2, np.float32))
    for call in (Plain().create_state, lambda i, given: Plain().update(i, given, given, None)):
        with pytest.raises(TypeError, match="weight: expected an array in host memory, got"):
            call(0, weight)


def test_threads_step_the_same_weight_one_after_another():
    optimizer, weight = Plain(learning_rate=1), np.zeros(50_000)
    optimizer.numbers = lambda index, t: {"lr": float(t)}  # so that each step is of 1
    each, grad = 40, np.full(50_000, -1.0)

    def run():
        for _ in range(each):
            optimizer.update(0, weight, grad, None)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert optimizer.num_update == 3 * each
    assert (weight == 3 * each).all()


def test_no_bytecode_runs_between_counting_and_storing():
    """Between two of them a signal's handler may raise."""
    optimizer, weights = Plain(learning_rate=1), [np.zeros(2), np.zeros(3)]
    optimizer.numbers = lambda index, t: {"lr": float(t)}  # so that each step is of 1
    seen = set()

    def trace(frame, event, argument):
        frame.f_trace_opcodes = True
        counted = optimizer._rates.true.num_update
        seen.add((counted, *(float(one) for weight in weights for one in weight)))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        optimizer.update([0, 1], weights, [np.full(2, -1.0), np.full(3, -1.0)], [None, None])
    finally:
        sys.settrace(before)
    assert seen == {(0,) * 6, (1,) * 6}
