"""Optimizers that hold others: what is passed on, and what nests."""

import copy
import pickle

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.optimizer import Nested, Wrapper

TREES = {
    "accumulate of lookahead": ["accumulate", {"optimizer": ["lookahead", {
        "optimizer": ["adam", {"learning_rate": 0.1}], "steps": 2}], "steps": 3}],
    "lookahead of accumulate": ["lookahead", {"optimizer": ["accumulate", {
        "optimizer": ["adam", {"learning_rate": 0.1}], "steps": 3}], "steps": 2}],
    "ema of mixed": ["ema", {"optimizer": ["mixed", {
        "patterns": ["fc", ".*"],
        "optimizers": [["accumulate", {"optimizer": "sgd", "steps": 2}], "adam"]}]}],
    "skip of sgld": ["skipnonfinite", {"optimizer": ["ema", {"optimizer": ["sgld", {}]}]}],
}  # fmt: skip
trees = pytest.mark.parametrize("tree", TREES.values(), ids=TREES)


def plain(**given):
    class Plain(Wrapper):
        optimizer = Nested()

        def step(self, indices, weights, grads, states):
            self.optimizer.update(indices, weights, grads, states)

    return Plain(mx.optimizer.create("sgd", **given))


def run(updater, weights, start, stop, together):
    for t in range(start, stop):
        rng = np.random.default_rng(t)
        grads = [rng.normal(size=w.shape).astype(w.dtype) for w in weights.values()]
        if together:
            updater(list(weights), grads, list(weights.values()))
        else:
            for index, grad in zip(weights, grads):
                updater(index, grad, weights[index])


def make(tree, dtype, master):
    optimizer = mx.optimizer.create(tree)
    optimizer.multi_precision = master
    optimizer.noise_seed = 5
    weights = {0: np.ones((3, 2), dtype), "fc_weight": np.ones(5, dtype)}
    return mx.optimizer.get_updater(optimizer), weights


@trees
@pytest.mark.parametrize(("dtype", "master"), [("float32", False), ("float16", True)])
@pytest.mark.parametrize("stop", [1, 4, 5])
def test_nested_ones_resume_bit_for_bit_amid_all_counts(tree, dtype, master, stop):
    whole, weights = make(tree, dtype, master)
    run(whole, weights, 0, stop, together=True)
    resumed, _ = make(tree, dtype, master)
    twins = {index: weight.copy() for index, weight in weights.items()}
    resumed.set_states(whole.get_states())
    for updater, arrays in ((whole, weights), (resumed, twins)):
        run(updater, arrays, stop, 14, together=True)
    for index, weight in weights.items():
        assert weight.tobytes() == twins[index].tobytes()
    assert whole.get_states() == resumed.get_states()
    assert whole.optimizer.num_update == resumed.optimizer.num_update > 0


@trees
def test_lists_are_stepped_as_one_by_one(tree):
    runs = []
    for together in (True, False):
        updater, weights = make(tree, "float32", False)
        run(updater, weights, 0, 8, together)
        runs.append({index: weight.tobytes() for index, weight in weights.items()})
    assert runs[0] == runs[1]


@trees
def test_text_and_copies_are_equal(tree):
    optimizer = mx.optimizer.create(tree)
    for twin in (
        mx.optimizer.create(optimizer.dumps()),
        copy.copy(optimizer),
        copy.deepcopy(optimizer),
        pickle.loads(pickle.dumps(optimizer)),
    ):
        assert repr(twin) == repr(optimizer)
        assert twin.dumps() == optimizer.dumps()


def test_what_is_passed_on():
    optimizer = plain(learning_rate=0.5, wd=0.1)
    assert (optimizer.lr, optimizer.wd, optimizer.num_update) == (0.5, 0.1, 0)
    optimizer.wd, optimizer.rescale_grad = 0.2, 2.0
    optimizer.set_learning_rate(0.25)
    optimizer.param_idx2name = {0: "a_weight"}
    optimizer.set_lr_mult({"a_weight": 2.0})
    held = optimizer.inner[0]
    assert (held.lr, held.wd, held.rescale_grad) == (0.25, 0.2, 2)
    assert held.idx2name == optimizer.idx2name == {0: "a_weight"}
    assert held.lr_mult == optimizer.lr_mult
    optimizer.lr_scheduler = lambda num_update: 1 / num_update
    weight = np.zeros(1)
    for _ in range(2):
        optimizer.update(0, weight, np.ones(1), None)
    assert held.lr == optimizer.lr == 0.5
    optimizer.num_update = 7
    assert held.num_update == 7
    optimizer.reset()
    assert (optimizer.num_update, held._index_update_count) == (0, {})


def test_common_hyperparameters_are_no_arguments():
    with pytest.raises(TypeError, match="'wd'; it belongs to the optimizer that is held"):
        mx.optimizer.create("lookahead", optimizer="sgd", wd=0.1)


def test_the_optimizer_that_is_given_stays_as_it_is():
    given = mx.optimizer.create("sgd", learning_rate=0.5)
    given.update(0, np.ones(1), np.ones(1), None)
    optimizer = mx.optimizer.create("lookahead", optimizer=given)
    assert optimizer._index_update_count == {0: 1}
    optimizer.lr = 0.25
    optimizer.update(0, (weight := np.ones(1)), np.ones(1), optimizer.create_state(0, weight))
    assert (given.lr, given.num_update, optimizer.num_update) == (0.5, 1, 2)


def test_what_is_held_cannot_be_exchanged():
    optimizer = plain()
    with pytest.raises(ValueError, match="optimizer: expected the optimizer that is held"):
        optimizer.optimizer = "adam"


@pytest.mark.parametrize(
    "other",
    [
        ["lookahead", {"optimizer": ["adam", {"beta1": 0.5}]}],
        ["lookahead", {"optimizer": "nadam"}],
        ["lookahead", {"optimizer": "adam", "steps": 3}],
    ],
)
def test_states_of_other_settings_inside_are_refused(other):
    updater = mx.optimizer.get_updater(mx.optimizer.create("lookahead", optimizer="adam"))
    updater(0, np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match="expected those of an equal optimizer"):
        mx.optimizer.get_updater(mx.optimizer.create(other)).set_states(updater.get_states())


@pytest.mark.parametrize("name", ["accumulate", "lookahead", "ema", "skipnonfinite", "mixed"])
def test_gradients_that_are_not_finite_reach_nothing(name):
    needed = {"accumulate": {"steps": 2}, "mixed": {"patterns": ["x", ".*"]}}.get(name, {})
    held = {"optimizers": ["sgd", "adam"]} if name == "mixed" else {"optimizer": "adam"}
    optimizer = mx.optimizer.create(name, **needed, **held)
    weights, bad = [np.ones(2), np.ones(3)], [np.ones(2), np.array([0, np.nan, 0])]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    optimizer.on_nonfinite = "raise"
    with pytest.raises(FloatingPointError, match="grad of 1: expected finite numbers"):
        optimizer.update([0, 1], weights, bad, states)
    assert optimizer.skipped == 0
    optimizer.on_nonfinite = "skip"
    with pytest.warns(UserWarning, match="this step is skipped"):
        optimizer.update([0, 1], weights, bad, states)
    assert (optimizer.skipped, copy.copy(optimizer).skipped) == (1, 1)
    fresh = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    assert repr(states) == repr(fresh)
    assert all((weight == 1).all() for weight in weights)
    assert optimizer._index_update_count == {}


def mixed(**choices):
    optimizers = [["sgd", {"learning_rate": 1, "on_nonfinite": one}] for one in choices.values()]
    return mx.optimizer.create("mixed", patterns=list(choices), optimizers=optimizers)


@pytest.mark.parametrize("nested", [False, True])
def test_each_part_obeys_its_own_optimizer(nested):
    optimizer = mixed(a="propagate", b="raise", c="skip")
    if nested:
        optimizer = mx.optimizer.create(
            "mixed", patterns=[".*"], optimizers=[mx.optimizer.create("ema", optimizer=optimizer)]
        )
    weights = {name: np.zeros(1) for name in "cba"}
    states = [optimizer.create_state(*pair) for pair in weights.items()]

    def update(*bad):
        grads = [np.array([np.nan if name in bad else 1.0]) for name in weights]
        optimizer.update(list(weights), list(weights.values()), grads, states)

    update("a")
    assert np.isnan(weights["a"][0])
    assert weights["b"] == weights["c"] == -1
    for bad in ("b", "bc"):
        with pytest.raises(FloatingPointError, match="grad of 'b'"):
            update(*bad)
    assert optimizer.skipped == 0
    with pytest.warns(UserWarning, match="grad of 'c'"):
        update("c")
    assert optimizer.skipped == 1
    assert weights["b"] == weights["c"] == -1
    assert optimizer._index_update_count == {"a": 1, "b": 1, "c": 1}


def test_a_sum_beyond_its_range_makes_no_update():
    sgd = mx.optimizer.create("sgd", learning_rate=1, on_nonfinite="skip")
    optimizer = mx.optimizer.create("accumulate", optimizer=sgd, steps=2, reduction="sum")
    weight, largest = np.ones(1, np.float16), np.array([65504], np.float16)
    state = optimizer.create_state(0, weight)
    optimizer.update(0, weight, largest, state)
    with pytest.warns(UserWarning, match="this step is skipped"):
        optimizer.update(0, weight, largest, state)
    assert (weight[0], optimizer.num_update, optimizer.skipped) == (1, 0, 1)
    for _ in range(2):
        optimizer.update(0, weight, np.ones(1, np.float16), state)
    assert (weight[0], optimizer.num_update) == (-1, 1)


def test_a_rate_inside_that_is_another_one_is_told():
    rates = [["lookahead", {"optimizer": ["adam", {"learning_rate": rate}]}] for rate in (0.1, 0.2)]
    one, other = (mx.optimizer.get_updater(mx.optimizer.create(text)) for text in rates)
    one(0, np.ones(2), np.ones(2))
    with pytest.warns(UserWarning, match="learning_rate: the states were saved with 0.1") as caught:
        other.set_states(one.get_states())
    assert [warning.filename for warning in caught] == [__file__]


def test_a_deleted_state_begins_anew_with_all_counts():
    optimizer = mx.optimizer.create("accumulate", optimizer="adam", steps=2)
    updater = mx.optimizer.get_updater(optimizer)
    weight = np.ones(2)
    for _ in range(3):
        updater(0, np.ones(2), weight)
    del updater.states[0]
    updater(0, np.ones(2), weight)
    assert optimizer._index_update_count == {0: 1}
    assert optimizer.inner[0]._index_update_count == {}


@trees
def test_a_spoilt_state_is_refused_in_full_sentences(tree):
    optimizer = mx.optimizer.create(tree)
    for state in (3, (), np.ones(3), "text", (None,)):
        with pytest.raises((ValueError, TypeError), match="expected"):
            optimizer.update(0, np.ones(3), np.ones(3), state)
    assert optimizer.num_update == 0
