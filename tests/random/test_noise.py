"""Noise and rounding of updates: by the seed, the name and the count, and by nothing else."""

import numpy as np
import pytest

import weightopt_core as mx

SIZE = 64


def noisy(index, names=None, steps=2):
    optimizer = mx.optimizer.create("sgld", seed=3, param_idx2name=names)
    weight = np.zeros(SIZE, np.float32)
    for _ in range(steps):
        optimizer.update(index, weight, np.zeros(SIZE, np.float32), None)
    return weight


def rounded(index, names=None):
    optimizer = mx.optimizer.create(
        "sgd", momentum=0.9, state_dtype="bfloat16", param_idx2name=names
    )
    optimizer.noise_seed = 3
    weight = np.zeros(SIZE, np.float32)
    state = optimizer.create_state(index, weight)
    for i in range(2):
        optimizer.update(index, weight, np.full(SIZE, 0.1 + i, np.float32), state)
    return np.asarray(state, np.float32)


@pytest.mark.parametrize("run", [noisy, rounded])
def test_a_weight_has_the_noise_of_its_name_whatever_its_index(run):
    expected = run("fc_weight")
    for index in (0, 5):
        np.testing.assert_array_equal(run(index, {index: "fc_weight"}), expected)
    assert (run(0, {0: "fc2_weight"}) != expected).any()
    assert (run(0) != expected).any()
    assert (run(0) != run(5)).any()


@pytest.mark.parametrize("name", ["sgld", "sgd"])
def test_a_seed_that_is_set_between_steps_is_the_one_that_counts(name):
    given = {"momentum": 0.9, "state_dtype": "bfloat16"} if name == "sgd" else {}

    def made(seed, count=0):
        optimizer = mx.optimizer.create(name, **given)
        optimizer.noise_seed = seed
        optimizer._index_update_count[0] = count
        return optimizer

    def stepped(optimizer, weight, state):
        weight, state = weight.copy(), None if state is None else state.copy()
        optimizer.update(0, weight, np.full(SIZE, 0.3, np.float32), state)
        return weight, state

    first = made(1)
    begin = np.zeros(SIZE, np.float32)
    once = stepped(first, begin, first.create_state(0, begin))
    same = stepped(first, *once)
    first._index_update_count[0] = 1
    first.noise_seed = 2
    other = stepped(first, *once)
    for one, two in zip(other, stepped(made(2, count=1), *once), strict=True):
        np.testing.assert_array_equal(one, two)
    which = 1 if name == "sgd" else 0
    assert (np.asarray(other[which] != same[which])).any()
