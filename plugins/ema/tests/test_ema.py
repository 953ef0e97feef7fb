import ml_dtypes
import numpy as np
import pytest
from weightopt_ema import EMA, ema, exchange

import weightopt_core as wo


def stepped(optimizer, weight, count=6, seed=0):
    rng = np.random.default_rng(seed)
    state = optimizer.create_state(0, weight)
    for _ in range(count):
        optimizer.update(0, weight, rng.normal(size=weight.shape).astype(weight.dtype), state)
    return state


def test_both_rules_run_compiled():
    assert ema.compiled.reason == exchange.compiled.reason == ""


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_it_is_the_formula_bit_for_bit(decay):
    optimizer = EMA(["sgd", {"learning_rate": 0.25}], decay)
    weight = np.ones(7, np.float32)
    state = optimizer.create_state(0, weight)
    expected, average = weight.copy(), weight.copy()
    rng = np.random.default_rng(1)
    for _ in range(6):
        grad = rng.normal(size=7).astype(np.float32)
        optimizer.update(0, weight, grad, state)
        expected = expected - np.float32(0.25) * grad
        average = np.float32(decay) * average + np.float32(1 - decay) * expected
        np.testing.assert_array_equal(weight, expected)
        np.testing.assert_array_equal(state[0], average)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
def test_training_is_as_without_it(dtype):
    given = ["adam", {"multi_precision": True, "learning_rate": 0.1}]
    weight, other = np.ones(5, dtype), np.ones(5, dtype)
    stepped(EMA(given), weight)
    stepped(wo.optimizer.create(given), other)
    np.testing.assert_array_equal(weight, other)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("master", [False, True])
def test_swapping_twice_changes_no_bit(dtype, master):
    optimizer = EMA(["adam", {"multi_precision": master, "learning_rate": 0.1}], 0.5)
    weight = np.ones(5, dtype)
    state = stepped(optimizer, weight)
    before, average = weight.copy(), state[0].copy()
    optimizer.swap(0, weight, state)
    np.testing.assert_array_equal(weight, average.astype(dtype))
    optimizer.swap(0, weight, state)
    np.testing.assert_array_equal(weight, before)
    np.testing.assert_array_equal(state[0], average)


def test_lists_are_swapped_at_once_and_for_a_block():
    optimizer = EMA(["sgd", {"learning_rate": 1}], 0.5)
    updater = wo.optimizer.get_updater(optimizer)
    weights = [np.zeros(2), np.zeros(3)]
    updater([0, 1], [np.full_like(weight, -1) for weight in weights], weights)
    states = [updater.states[i] for i in (0, 1)]
    with optimizer.averaged([0, 1], weights, states):
        assert [weight[0] for weight in weights] == [0.5, 0.5]
    assert [weight[0] for weight in weights] == [1, 1]


def test_swapped_weights_are_neither_updated_nor_saved():
    optimizer = EMA("sgd")
    updater = wo.optimizer.get_updater(optimizer)
    weight, grad = np.zeros(2), np.ones(2)
    updater(0, grad, weight)
    with optimizer.averaged(0, weight, updater.states[0]):
        before = weight.copy()
        with pytest.raises(ValueError, match="weight of 0: expected the trained one, got its"):
            updater(0, grad, weight)
        with pytest.raises(ValueError, match="call swap"):
            updater.get_states()
        with pytest.raises(ValueError, match="all weights exchanged, or none"):
            optimizer.swap([0, 1], [weight, np.zeros(2)], [updater.states[0]] * 2)
        np.testing.assert_array_equal(weight, before)
    updater(0, grad, weight)
    updater.get_states()
