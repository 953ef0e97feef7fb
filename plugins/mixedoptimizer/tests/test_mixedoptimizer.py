import copy

import numpy as np
import pytest
from weightopt_mixedoptimizer import MixedOptimizer

import weightopt_core as wo

NAMES = ["fc1_weight", "fc1_bias", "fc2_weight", "fc2_bias"]


def mixed(**given):
    optimizers = [["sgd", {"learning_rate": 1}], ["adam", {"learning_rate": 0.1}]]
    return MixedOptimizer([".*_bias", ".*"], optimizers, **given)


def test_the_first_pattern_that_fits_decides():
    optimizer = MixedOptimizer(["fc1", ".*_bias", "fc.*"], ["sgd", "test", "adam"])
    weight = np.zeros(2)
    kinds = [type(optimizer._chosen(name)).__name__ for name in NAMES]
    assert kinds == ["SGD", "SGD", "Adam", "Test"]
    assert optimizer.create_state("fc1_weight", weight) is None
    assert len(optimizer.create_state("fc2_weight", weight)) == 2


@pytest.mark.parametrize("by_index", [False, True])
def test_each_weight_is_stepped_as_by_its_own_optimizer(by_index):
    optimizer = mixed()
    if by_index:
        optimizer.param_idx2name = dict(enumerate(NAMES))
    keys = [0, 1, 2, 3] if by_index else NAMES
    rng = np.random.default_rng(0)
    weights = [np.ones(3, np.float32) for _ in NAMES]
    twins = [np.ones(3, np.float32) for _ in NAMES]
    alone = [wo.optimizer.create(n, learning_rate=r) for n, r in (("sgd", 1), ("adam", 0.1))]
    updater = wo.optimizer.get_updater(optimizer)
    updaters = [wo.optimizer.get_updater(one) for one in alone]
    for _ in range(3):
        grads = [rng.normal(size=3).astype(np.float32) for _ in NAMES]
        updater(keys, grads, weights)
        for name, grad, twin in zip(NAMES, grads, twins):
            updaters["weight" in name](name, grad, twin)
    for weight, twin in zip(weights, twins):
        np.testing.assert_array_equal(weight, twin)
    assert optimizer.num_update == 3


def test_one_wrong_array_leaves_all_as_they_were():
    optimizer = mixed()
    weights = [np.ones(3), np.ones(4)]
    states = [optimizer.create_state(*pair) for pair in zip(NAMES[::-1], weights)]
    with pytest.raises(ValueError, match=r"shape of grad: expected \(4,\), got \(3,\)"):
        optimizer.update(NAMES[:1:-1], weights, [np.ones(3), np.ones(3)], states)
    assert all((weight == 1).all() for weight in weights)
    assert optimizer._index_update_count == {}


def test_a_schedule_that_fails_for_one_leaves_all_as_they_were():
    optimizer = mixed()

    def fail(num_update):
        raise RuntimeError("no rate")

    optimizer.optimizers[1].lr_scheduler = fail
    weights = [np.ones(3), np.ones(3)]
    states = [optimizer.create_state(*pair) for pair in zip(NAMES[::-1], weights)]
    with pytest.raises(RuntimeError):
        optimizer.update(NAMES[:1:-1], weights, [np.ones(3), np.ones(3)], states)
    assert all((weight == 1).all() for weight in weights)


def test_other_names_choose_others():
    optimizer = mixed()
    weight = np.ones(1)
    for names, expected in (({0: "a_bias"}, 0), ({0: "a_weight"}, 0.9)):
        optimizer.param_idx2name = names
        weight[:] = 1
        optimizer.reset()
        optimizer.update(0, weight, np.ones(1), optimizer.create_state(0, weight))
        np.testing.assert_allclose(weight, expected, rtol=1e-6)  # epsilon of Adam


def test_multipliers_and_names_of_what_is_held_are_put_together():
    first = wo.optimizer.create("sgd", param_idx2name={0: "a_bias"})
    second = wo.optimizer.create("adam", param_idx2name={1: "a_weight"})
    first.set_lr_mult({"a_bias": 2.0})
    second.set_wd_mult({"a_weight": 0.5})
    optimizer = MixedOptimizer([".*_bias", ".*"], [first, second])
    assert optimizer.idx2name == {0: "a_bias", 1: "a_weight"}
    assert optimizer.lr_mult["a_bias"] == 2
    assert optimizer.wd_mult["a_weight"] == 0.5
    assert first.idx2name == {0: "a_bias"}


def test_what_differs_cannot_be_read_and_can_be_set():
    optimizer = mixed()
    with pytest.raises(ValueError, match="learning_rate: expected one that all optimizers share"):
        _ = optimizer.lr
    optimizer.lr = 0.5
    assert [one.lr for one in optimizer.optimizers] == [0.5, 0.5]
    optimizer.optimizers[1].lr_scheduler = lambda num_update: 0.25
    with pytest.raises(ValueError, match="learning_rate: expected no lr_scheduler"):
        optimizer.lr = 0.125
    assert [one.lr for one in optimizer.optimizers] == [0.5, 0.25]


def test_a_copy_has_optimizers_of_its_own():
    optimizer = mixed()
    twin = copy.copy(optimizer)
    twin.lr = 0.5
    twin.update("b_bias", np.ones(1), np.ones(1), None)
    assert optimizer.optimizers[0].lr == 1
    assert optimizer.num_update == 0
    assert twin.optimizers[1].num_update == 1


@pytest.mark.parametrize(
    ("patterns", "optimizers", "error", "message"),
    [
        (["a", "b"], ["sgd"], ValueError, "optimizers: expected one for each pattern, 2, got 1"),
        ([], [], ValueError, "optimizers: expected one for each pattern, at least 1, got 0"),
        (["("], ["sgd"], ValueError, r"each of patterns: expected a regular expression, got '\('"),
        (["a"], ["sgdd"], ValueError, "unknown optimizer 'sgdd'"),
        (["a"], [3], TypeError, "expected an optimizer, its name or what its dumps"),
    ],
)
def test_arguments_are_checked(patterns, optimizers, error, message):
    with pytest.raises(error, match=message):
        MixedOptimizer(patterns, optimizers)


def test_a_name_that_nothing_fits_is_an_error():
    optimizer = MixedOptimizer(["fc.*"], ["sgd"])
    with pytest.raises(ValueError, match="'conv_weight': expected a name that one of the patterns"):
        optimizer.update(["fc", "conv_weight"], [np.ones(1)] * 2, [np.ones(1)] * 2, [None] * 2)
