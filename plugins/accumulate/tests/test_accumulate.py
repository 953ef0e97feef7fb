import copy
import pickle

import ml_dtypes
import numpy as np
import pytest
from weightopt_accumulate import Accumulate, add, begin

import weightopt_core as wo

ADAM = ["adam", {"learning_rate": 0.1, "wd": 0.01}]


def gradients(count, shape=(5, 3), dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for _ in range(count)]


def mean_of(grads, dtype=np.float32):
    total = grads[0].astype(dtype)
    for grad in grads[1:]:
        total = total + grad.astype(dtype)
    return total / dtype(len(grads))


def stepped(optimizer, grads, weight):
    state = optimizer.create_state("w_weight", weight)
    for grad in grads:
        optimizer.update("w_weight", weight, grad, state)
    return weight.tobytes()


def test_both_rules_run_compiled():
    assert add.compiled.reason == begin.compiled.reason == ""


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_it_is_one_update_with_the_mean_bit_for_bit(steps):
    grads = gradients(3 * steps)
    means = [mean_of(grads[i : i + steps]) for i in range(0, 3 * steps, steps)]
    got = stepped(Accumulate(ADAM, steps), grads, np.ones((5, 3), np.float32))
    assert got == stepped(wo.optimizer.create(ADAM), means, np.ones((5, 3), np.float32))


def test_it_is_one_update_with_the_sum():
    grads = gradients(4)
    got = stepped(Accumulate(ADAM, 4, "sum"), grads, np.ones((5, 3), np.float32))
    total = mean_of(grads[:4]) * np.float32(4)  # a power of two: no rounding
    assert got == stepped(wo.optimizer.create(ADAM), [total], np.ones((5, 3), np.float32))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_with_master_copies_the_sum_is_float32(dtype):
    optimizer = Accumulate(["adam", {"multi_precision": True}], 3)
    weight, grads = np.ones((5, 3), dtype), gradients(3, dtype=dtype)
    got = stepped(optimizer, grads, weight)
    other = wo.optimizer.create("adam", multi_precision=True)
    assert got == stepped(other, [mean_of(grads)], np.ones((5, 3), dtype))


def test_gradients_before_the_last_one_change_no_weight_and_no_gradient():
    optimizer = Accumulate("sgd", 3)
    weight, grads = np.ones((5, 3), np.float32), gradients(2)
    before = [grad.copy() for grad in grads]
    stepped(optimizer, grads, weight)
    assert (weight == 1).all()
    assert optimizer.num_update == 0
    for grad, old in zip(grads, before):
        np.testing.assert_array_equal(grad, old)


def test_schedules_go_by_updates():
    seen = []
    optimizer = Accumulate("sgd", 2)
    optimizer.lr_scheduler = lambda num_update: seen.append(num_update) or 0.1
    stepped(optimizer, gradients(6), np.ones((5, 3), np.float32))
    assert set(seen) == {1, 2, 3}
    assert optimizer.num_update == 3


def test_a_nan_is_gone_with_the_update_after_it():
    optimizer = Accumulate(["sgd", {"learning_rate": 0.0}], 2)
    weight = np.zeros(2, np.float32)
    state = optimizer.create_state(0, weight)
    for value in (np.nan, 1, 1, 3):
        optimizer.update(0, weight, np.full(2, value, np.float32), state)
    assert np.isfinite(state[0]).all()


def test_weights_of_a_list_may_have_taken_different_numbers():
    optimizer, alone = Accumulate(ADAM, 2), Accumulate(ADAM, 2)
    weights = [np.ones(3, np.float32) for _ in range(3)]
    twins = [weight.copy() for weight in weights]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    others = [alone.create_state(i, weight) for i, weight in enumerate(twins)]
    grads = gradients(9, (3,))
    optimizer.update(1, weights[1], grads[0], states[1])
    alone.update(1, twins[1], grads[0], others[1])
    for at in (0, 3, 6):
        optimizer.update([0, 1, 2], weights, grads[at : at + 3], states)
        for i in range(3):
            alone.update(i, twins[i], grads[at + i], others[i])
    for weight, twin in zip(weights, twins):
        np.testing.assert_array_equal(weight, twin)
    assert optimizer.num_update == 2


@pytest.mark.parametrize("taken", [0, 1])
def test_a_refused_gradient_leaves_all_as_it_was(taken):
    optimizer = Accumulate(ADAM, 2)
    weights = [np.ones(3, np.float32), np.ones(2, np.float32)]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    for _ in range(taken):
        optimizer.update([0, 1], weights, [np.ones_like(w) for w in weights], states)
    before = pickle.dumps((weights, states))
    counts = dict(optimizer._index_update_count)
    with pytest.raises(ValueError, match="shape of grad"):
        optimizer.update([0, 1], weights, [np.ones(3, np.float32)] * 2, states)
    assert pickle.dumps((weights, states)) == before
    assert optimizer._index_update_count == counts
    assert optimizer.num_update == 0


def test_what_the_update_refuses_is_not_added():
    optimizer = Accumulate(ADAM, 2)

    def fail(num_update):
        raise RuntimeError("no rate")

    weight, grads = np.ones((5, 3), np.float32), gradients(2)
    state = optimizer.create_state(0, weight)
    optimizer.update(0, weight, grads[0], state)
    optimizer.lr_scheduler = fail
    with pytest.raises(RuntimeError, match="no rate"):
        optimizer.update(0, weight, grads[1], state)
    optimizer.lr_scheduler = None
    optimizer.update(0, weight, grads[1], state)
    twin = np.ones((5, 3), np.float32)
    other = wo.optimizer.create(ADAM)
    other.update(0, twin, mean_of(grads), other.create_state(0, twin))
    np.testing.assert_array_equal(weight, twin)


def test_an_update_that_fails_by_itself_can_be_given_again():
    class Failing(wo.Optimizer):
        fails = True

        def update(self, index, weight, grad, state):
            if self.fails:
                raise ArithmeticError("refused")
            weight -= grad

    optimizer = Accumulate(Failing(), 2)
    weight = np.zeros(1)
    state = optimizer.create_state(0, weight)
    optimizer.update(0, weight, np.ones(1), state)
    with pytest.raises(ArithmeticError):
        optimizer.update(0, weight, np.full(1, 5.0), state)
    optimizer.inner[0].fails = False
    optimizer.update(0, weight, np.full(1, 3.0), state)
    assert weight == [-2]


def test_the_number_of_gradients_can_be_set_between_updates():
    optimizer = Accumulate("sgd", 2)
    weight = np.zeros(1)
    state = optimizer.create_state(0, weight)
    optimizer.update(0, weight, np.ones(1), state)
    with pytest.raises(ValueError, match="steps: expected 2 until all are made, got 3 amid them"):
        optimizer.steps = 3
    optimizer.update(0, weight, np.ones(1), state)
    optimizer.steps = 3
    for _ in range(3):
        assert optimizer.num_update == 1
        optimizer.update(0, weight, np.ones(1), state)
    assert optimizer.num_update == 2


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.loads])
def test_a_copy_goes_on_for_itself(copied):
    optimizer = Accumulate(ADAM, 3)
    weight, grads = np.ones((5, 3), np.float32), gradients(6)
    state = optimizer.create_state(0, weight)
    for grad in grads[:4]:
        optimizer.update(0, weight, grad, state)
    twin = copied(pickle.dumps(optimizer) if copied is pickle.loads else optimizer)
    other, kept = weight.copy(), copy.deepcopy(state)
    for grad in grads[4:]:
        twin.update(0, other, grad, kept)
    assert optimizer.num_update == 1
    assert twin.num_update == 2
    for grad in grads[4:]:
        optimizer.update(0, weight, grad, state)
    np.testing.assert_array_equal(weight, other)
