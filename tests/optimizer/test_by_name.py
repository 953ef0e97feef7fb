"""Hyperparameters of single parameters by patterns of names, and freezing."""

import copy
import pickle

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.hyperparameters import Real
from weightopt_core.testing import values
from weightopt_core.testing.subject import Subject

NAMES = ["fc_weight", "fc_bias", "head_weight"]


def cases():
    """Yield each number of each installed rule, with a value that is not its default."""
    for optimizer in dict.fromkeys(map(mx.optimizer.registry.find, mx.optimizer.registry.names())):
        subject = Subject(optimizer)
        for given in subject.settings():
            made = subject.create(**given)
            if made.rule is None:
                continue
            for name in made.rule.numbers:
                declared = made.hyperparameters.get(name)
                if isinstance(declared, Real) and name not in ("lr", "wd"):
                    value = next(v for v in values.legal(declared) if v != getattr(made, name))
                    yield pytest.param(
                        subject, given, name, value, id=f"{optimizer.__name__}-{given}-{name}"
                    )


def run(optimizer, names, together=True, steps=3):
    updater = mx.optimizer.get_updater(optimizer)
    optimizer.noise_seed = 3
    weights = {name: np.linspace(-1, 1, 5, dtype=np.float32) for name in names}
    for t in range(steps):
        grads = {name: np.random.default_rng(t).normal(size=5).astype("f4") for name in names}
        if together:
            updater(list(names), list(grads.values()), list(weights.values()))
        else:
            for name in names:
                updater(name, grads[name], weights[name])
    return {name: weight.tobytes() for name, weight in weights.items()}


@pytest.mark.parametrize(("subject", "given", "name", "value"), list(cases()))
def test_any_number_of_any_rule(subject, given, name, value):
    optimizer = subject.create(**given, wd=0.01)
    optimizer.set_for("*_bias", **{name: value})
    alone = copy.copy(optimizer)
    got = run(optimizer, NAMES)
    assert run(alone, NAMES, together=False) == got
    plain = run(subject.create(**given, wd=0.01), NAMES)
    other = run(subject.create(**(given | {name: value}), wd=0.01), NAMES)
    assert got == plain | {"fc_bias": other["fc_bias"]}


@pytest.mark.parametrize("together", [True, False])
def test_decay_stands_in_for_multipliers_and_the_rate_is_multiplied(together):
    optimizer = mx.optimizer.create("sgd", learning_rate=0.5, wd=0.25)
    optimizer.set_for("*_bias", wd=0.5)
    optimizer.set_for("head*", lr_mult=0.5)
    optimizer.set_lr_mult({"head_weight": 0.5})
    weights = [np.ones(1) for _ in NAMES]
    if together:
        optimizer.update(NAMES, weights, [np.zeros(1)] * 3, [None] * 3)
    else:
        for name, weight in zip(NAMES, weights):
            optimizer.update(name, weight, np.zeros(1), None)
    assert [weight[0] for weight in weights] == [1 - 0.5 * 0.25, 1 - 0.5 * 0.5, 1 - 0.125 * 0.25]
    assert optimizer.numbers_at("fc_bias", 1)["wd"] == 0.5


def test_the_pattern_that_was_set_last_holds():
    optimizer = mx.optimizer.create("adam")
    optimizer.set_for("*", beta1=0.5)
    optimizer.set_for("fc*", beta1=0.25)
    assert [optimizer.numbers_at(name, 1)["beta1"] for name in ("a", "fc")] == [0.5, 0.25]
    optimizer.set_for("*", beta1=0.5)
    assert optimizer.numbers_at("fc", 1)["beta1"] == 0.5


def test_indices_have_the_settings_of_their_names():
    optimizer = mx.optimizer.create("adam", param_idx2name={0: "a_weight", 1: "a_bias"})
    optimizer.set_for("*_bias", beta1=0.5)
    assert [optimizer.numbers_at(i, 1)["beta1"] for i in (0, 1)] == [0.9, 0.5]
    optimizer.param_idx2name = {0: "a_bias"}
    assert optimizer.numbers_at(0, 1)["beta1"] == 0.5


@pytest.mark.parametrize(
    ("patterns", "given", "error", "message"),
    [
        (["*_bais"], {"wd": 0.0}, ValueError, "pattern: expected one that fits a parameter"),
        ([3], {"wd": 0.0}, TypeError, "pattern: expected a str"),
        ([], {"wd": 0.0}, TypeError, "patterns: expected at least one"),
        (["*"], {}, TypeError, "expected hyperparameters by name, got none"),
        (["*"], {"beta1": 1.0}, ValueError, r"beta1: expected a number in \[0, 1\), got 1.0"),
        (["*"], {"beta3": 1.0}, TypeError, "did you mean 'beta"),
        (["*"], {"learning_rate": 1.0}, TypeError, "use lr_mult"),
        (["*"], {"multi_precision": True}, TypeError, "a hyperparameter that the rule takes"),
        (["*"], {"lr_mult": -1.0}, ValueError, r"lr_mult: expected a number in \[0, inf\)"),
    ],
)
def test_what_is_refused_changes_nothing(patterns, given, error, message):
    optimizer = mx.optimizer.create("adam", param_idx2name={0: "a_bias"})
    before = optimizer.dumps()
    with pytest.raises(error, match=message):
        optimizer.set_for(*patterns, **given)
    assert optimizer.dumps() == before


def test_a_rule_must_take_it():
    with pytest.raises(TypeError, match="momentum: expected a hyperparameter that the rule takes"):
        mx.optimizer.create("sgd").set_for("*", momentum=0.5)


def test_what_later_ones_hide_is_not_kept():
    optimizer = mx.optimizer.create("adam")
    optimizer.set_for("a", beta1=0.5, wd=0.5)
    for wd in (0.25, 0.125):
        optimizer.set_for("a", wd=wd)
    assert optimizer.arguments()["settings"] == [
        ["a", {"beta1": 0.5, "wd": 0.5}],
        ["a", {"wd": 0.125}],
    ]


def test_a_pattern_that_fits_nothing_is_warned_of():
    optimizer = mx.optimizer.create("sgd")
    optimizer.set_for("fc_bais", wd=0.0)
    optimizer.update("fc_bias", np.ones(1), np.ones(1), None)
    with pytest.warns(UserWarning, match="'fc_bais' fits no parameter .* did you mean 'fc_bias'"):
        optimizer.update("fc_bias", np.ones(1), np.ones(1), None)


def test_layers():
    optimizer = mx.optimizer.create("adam", learning_rate=1.0)
    optimizer.set_layer_decay(0.5, ["a*", "b*", "c*"])
    assert [optimizer.numbers_at(name, 1)["lr"] for name in "abc"] == [0.25, 0.5, 1]
    with pytest.raises(ValueError, match="decay: expected"):
        optimizer.set_layer_decay(0, ["a*"])


@pytest.mark.parametrize("name", ["adam", "lamb", "sgd", "accumulate", "mixed", "ema"])
def test_what_is_frozen_stays_and_is_not_counted(name):
    subject = Subject(mx.optimizer.registry.find(name))
    optimizer, other = subject.create(), subject.create()
    optimizer.freeze("fc*")
    start = run(subject.create(), NAMES, steps=0)
    got, expected = run(optimizer, NAMES, steps=4), run(other, NAMES[2:], steps=4)
    assert got == start | expected
    assert run(optimizer, NAMES, together=False, steps=2)["fc_bias"] == start["fc_bias"]
    assert set(optimizer._index_update_count) == {"head_weight"}
    optimizer.thaw("fc_bias")
    changed = run(optimizer, NAMES, steps=4)
    assert changed["fc_weight"] == start["fc_weight"]
    assert changed["fc_bias"] != start["fc_bias"]


def test_what_overrides_update_is_frozen_too():
    class Own(mx.Optimizer):
        def update(self, index, weight, grad, state):
            weight -= grad

    optimizer = Own()
    optimizer.freeze("a")
    weights = [np.zeros(1), np.zeros(1)]
    optimizer.update(["a", "b"], weights, [np.ones(1)] * 2, [None] * 2)
    optimizer.update("a", weights[0], np.ones(1), None)
    assert [weight[0] for weight in weights] == [0, -1]


@pytest.mark.parametrize("held", [False, True])
def test_text_copies_and_checkpoints_have_it(held):
    optimizer = mx.optimizer.create("adam")
    if held:
        optimizer = mx.optimizer.create(
            "mixed", patterns=["z", ".*"], optimizers=["sgd", optimizer]
        )
    optimizer.set_for("*_bias", beta2=0.5)
    optimizer.freeze("head*")
    for twin in (
        mx.optimizer.create(optimizer.dumps()),
        copy.copy(optimizer),
        pickle.loads(pickle.dumps(optimizer)),
    ):
        assert twin.dumps() == optimizer.dumps()
        assert run(twin, NAMES) == run(copy.copy(optimizer), NAMES)
    updater = mx.optimizer.get_updater(optimizer)
    updater("fc_bias", np.ones(2), np.ones(2))
    saved = updater.get_states()
    again = mx.optimizer.get_updater(mx.optimizer.create(optimizer.dumps()))
    again.set_states(saved)
    again.optimizer.thaw("*")
    with pytest.warns(UserWarning, match="frozen: the states were saved with"):
        again.set_states(saved)
    again.optimizer.set_for("*_bias", beta2=0.75)
    with pytest.raises(ValueError, match="settings by name"):
        again.set_states(saved)


def test_schedules_and_master_copies_go_with_it():
    optimizer = mx.optimizer.create("adam", multi_precision=True)
    optimizer.lr_scheduler = lambda num_update: 0.1 / num_update
    optimizer.set_for("b", beta1=0.5)
    other = mx.optimizer.create("adam", multi_precision=True, beta1=0.5)
    other.lr_scheduler = lambda num_update: 0.1 / num_update
    weights = [np.ones(3, np.float16), np.ones(3, np.float16)]
    for one, weight in zip((optimizer, other), weights):
        state = one.create_state("b", weight)
        for _ in range(3):
            one.update("b", weight, np.full(3, 0.5, np.float16), state)
    np.testing.assert_array_equal(*weights)
