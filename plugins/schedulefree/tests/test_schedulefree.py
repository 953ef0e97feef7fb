import copy

import ml_dtypes
import numpy as np
import pytest
from weightopt_schedulefree import (
    ScheduleFree,
    average,
    restored,
    schedulefree_adamw,
    schedulefree_sgd,
)

import weightopt_core as wo


def stepped(optimizer, weight, count=6, seed=0):
    rng = np.random.default_rng(seed)
    state = optimizer.create_state(0, weight)
    for _ in range(count):
        optimizer.update(0, weight, rng.normal(size=weight.shape).astype(weight.dtype), state)
    return state


def formula(weight, grads, base="adamw", lr=0.0025, beta1=0.9, warmup=0, wd=0.0):
    """Return the weight that is trained and the average, which is kept here."""
    x, z, y, v, total = weight, weight, weight, 0.0, 0.0
    for t, grad in enumerate(grads, 1):
        rate = lr * min(1, t / warmup) if warmup else lr
        step = grad + wd * y
        if base == "adamw":
            v = 0.999 * v + 0.001 * grad**2
            step = grad / (np.sqrt(v / (1 - 0.999**t)) + 1e-8) + wd * y
        z = z - rate * step
        total += rate**2
        share = rate**2 / total
        x = (1 - share) * x + share * z
        y = (1 - beta1) * z + beta1 * x
    return y, x


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"base": "sgd", "lr": 0.5},
        {"warmup": 5, "wd": 0.1},
        {"base": "sgd", "beta1": 0.5, "warmup": 1},
        {"warmup": 30, "beta1": 0.95},
    ],
)
def test_it_is_the_formula(given):
    rng = np.random.default_rng(0)
    weight, *grads = rng.normal(size=(21, 7))
    trained, averaged = formula(weight, grads, **given)
    names = {"lr": "learning_rate", "warmup": "warmup_steps"}
    optimizer = ScheduleFree(**{names.get(name, name): value for name, value in given.items()})
    state = optimizer.create_state(0, weight)
    for grad in grads:
        optimizer.update(0, weight, grad, state)
    # The average is computed from the weight and z here, and kept in the formula.
    np.testing.assert_allclose(weight, trained, rtol=1e-11, atol=1e-13)
    with optimizer.averaged(0, weight, state):
        np.testing.assert_allclose(weight, averaged, rtol=1e-11, atol=1e-13)


def test_its_rules_run_compiled():
    for rule in (average, restored, schedulefree_adamw, schedulefree_sgd):
        assert rule.compiled.reason == ""


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("master", [False, True])
@pytest.mark.parametrize("base", ["adamw", "sgd"])
def test_swapping_twice_changes_no_bit(dtype, master, base):
    optimizer = ScheduleFree(0.1, base, multi_precision=master)
    weight = np.ones(5, dtype)
    state = stepped(optimizer, weight)
    arrays = [weight, *(state if isinstance(state, tuple) else (state,))]
    before = [one.copy() for one in arrays]
    optimizer.swap(0, weight, state)
    assert (weight != before[0]).any()
    optimizer.swap(0, weight, state)
    for one, old in zip(arrays, before):
        assert one.tobytes() == old.tobytes()
    assert optimizer._trained == {}


def test_lists_are_swapped_and_copies_for_themselves():
    optimizer = ScheduleFree(0.5, "sgd")
    weights = [np.zeros(2), np.zeros(3, np.float32)]
    states = [stepped(optimizer, weight, 3) for weight in weights]
    before = [weight.copy() for weight in weights]
    twin = copy.copy(optimizer)
    optimizer.swap([0, 1], weights, states)
    twin.refuse_exchanged([0, 1])
    optimizer.swap([1, 0], weights[::-1], states[::-1])
    for one, old in zip(weights, before):
        np.testing.assert_array_equal(one, old)


def test_swapped_weights_are_neither_updated_nor_saved():
    optimizer = ScheduleFree()
    updater = wo.optimizer.get_updater(optimizer)
    weight, grad = np.zeros(2), np.ones(2)
    updater(0, grad, weight)
    with optimizer.averaged(0, weight, updater.states[0]):
        before = weight.copy()
        with pytest.raises(ValueError, match="weight of 0: expected the trained one, got its"):
            updater(0, grad, weight)
        with pytest.raises(ValueError, match="call swap"):
            updater.get_states()
        np.testing.assert_array_equal(weight, before)
    updater(0, grad, weight)
    assert optimizer.num_update == 2
