"""Saved states that go on in an optimizer: what has to fit, and what is done where it does not."""

import json
import warnings
from collections import deque

import numpy as np
import pytest
from checkpoints import content_of, edited, framed, stepped, trained, updater_of

import weightopt_core as mx

OTHERS = {
    "beta2": ("adam", {}, {"beta2": 0.5}, r"got beta2=0\.999 \(here 0\.5\); "),
    "wd": ("adam", {"wd": 0.1}, {}, r"got wd=0\.1 \(here 0\.0\); "),
    "clip_gradient": ("adam", {"clip_gradient": 1}, {}, r"clip_gradient=1 \(here None\)"),
    "rescale_grad": ("adam", {}, {"rescale_grad": 0.5}, r"rescale_grad=1\.0 \(here 0\.5\)"),
    "master": ("adam", {}, {"multi_precision": True}, r"multi_precision=False \(here True\)"),
    "no master": ("adam", {"multi_precision": True}, {}, r"multi_precision=True \(here False\)"),
    "dtype": ("adam", {}, {"state_dtype": "bfloat16"}, r"state_dtype=None \(here 'bfloat16'\)"),
    "momentum": ("sgd", {}, {"momentum": 0.9}, r"momentum=0\.0 \(here 0\.9\)"),
    "no momentum": ("sgd", {"momentum": 0.9}, {}, r"momentum=0\.9 \(here 0\.0\)"),
    "centered": ("rmsprop", {"centered": True}, {}, r"centered=True \(here False\)"),
    "two": ("adam", {"wd": 0.1, "beta1": 0.5}, {}, r"got beta1=0\.5 \(here 0\.9\), wd=0\.1 \(here"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_states_of_other_hyperparameters_are_refused(kind):
    name, then, now, match = OTHERS[kind]
    saved, other = updater_of(name, **then), updater_of(name, **now)
    trained(saved)
    with pytest.raises(
        ValueError, match=f"states: expected those of an equal optimizer, .*{match}"
    ):
        other.set_states(saved.get_states())
    assert other.states == {}
    assert other.optimizer.num_update == 0
    other.set_states(saved.get_states(), strict=False)
    assert other.optimizer.num_update == 2
    trained(other)


def test_another_class_of_the_same_name_is_refused():
    saved = updater_of()
    trained(saved)

    class Adam(mx.optimizer.Optimizer):
        rule = mx.optimizer.create("adam").rule
        beta1 = beta2 = 0.5
        epsilon = 1e-8

    match = "a class of 'weightopt_adam', not of '.*', beta1=0.9 .here there is none."
    with pytest.raises(ValueError, match=match):
        mx.optimizer.get_updater(Adam()).set_states(saved.get_states())


def test_states_of_another_optimizer_that_fit_are_loaded_without_strict():
    saved, other, sgd = updater_of("adam"), updater_of("adamw"), updater_of("sgd")
    trained(saved)
    other.set_states(saved.get_states(), strict=False)
    trained(other, steps=1)
    assert other.optimizer._index_update_count == {"a": 3, "b": 3}
    sgd.set_states(saved.get_states(), strict=False)
    trained(sgd, steps=1)
    assert sgd.states == {"a": None, "b": None}
    assert sgd.optimizer._index_update_count == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("now", "match"),
    [
        ({"learning_rate": 1.0}, r"learning_rate: the states were saved with 0\.001, .* with 1\.0"),
        ({"begin_num_update": 9}, r"begin_num_update: the states were saved with 0, .* with 9"),
        ({"schedule": {"step": 2}}, r"lr_scheduler: the states were saved with None, "),
    ],
)
def test_another_rate_is_a_warning(now, match):
    saved = updater_of()
    trained(saved)
    if "schedule" in now:
        now = {"lr_scheduler": mx.lr_scheduler.create("factor", **now["schedule"])}
    with pytest.warns(UserWarning, match=match) as caught:
        updater_of(**now).set_states(saved.get_states())
    assert [warning.filename for warning in caught] == [__file__]


def test_equal_ones_go_on_without_a_word(recwarn):
    def create():
        scheduler = mx.lr_scheduler.create("multifactor", step=[2, 4], factor=0.5)
        names = {0: "fc_weight", "b": "fc_bias", np.int64(2): "frozen_weight"}
        given = {"seed": 2**40, "param_idx2name": names, "lr_scheduler": scheduler}
        return updater_of("sgld", **given)

    saved, other = create(), create()
    trained(saved, names=(0, "b"))
    other.set_states(saved.get_states())
    trained(other, names=(0, "b"), steps=3)
    other.set_states(saved.get_states())
    assert not recwarn.list


NAMES = {0: "fc_weight", 1: "fc_bias"}


@pytest.mark.parametrize(
    ("then", "now", "match"),
    [
        (NAMES, {0: "fc_bias", 1: "fc_weight"}, r"'fc_weight' at the index 0 \(here 'fc_bias'\), "),
        (None, NAMES | {2: "new_weight"}, "got no state of 'new_weight'; "),
        (NAMES, NAMES | {2: "new_weight"}, "got no state of 'new_weight'; "),
        (None, {0: "fc_weight"}, "got a state of 1, which is unknown here; "),
        (NAMES, {0: "fc_weight"}, "got a state of 'fc_bias', which is unknown here; "),
    ],
)
def test_names_that_differ_are_listed(then, now, match):
    saved, other = updater_of(param_idx2name=then), updater_of(param_idx2name=now)
    trained(saved, names=(0, 1))
    with pytest.raises(ValueError, match=match):
        other.set_states(saved.get_states())
    assert other.states == {}
    other.set_states(saved.get_states(), strict=False)
    trained(other, names=(0, 1))


def test_weights_that_were_seen_are_compared():
    saved, other = updater_of(), updater_of()
    trained(saved, names=("a", "b"))
    trained(other, names=("b", "c"))
    match = "no state of 'c', a state of 'a', which is unknown here; "
    with pytest.raises(ValueError, match=match):
        other.set_states(saved.get_states())
    assert list(other.states) == ["b", "c"]
    many = updater_of()
    trained(many, names=range(100))
    with pytest.raises(ValueError, match="no state of 7, and 94 more; "):
        many.set_states(saved.get_states())


@pytest.mark.parametrize("names", [("x", "y"), (0, 1), ("a", "b", "c"), ("c", "a", "b")])
@pytest.mark.parametrize("at_once", [False, True])
def test_a_weight_without_a_saved_state_is_refused_in_the_first_pass(names, at_once):
    saved, other = updater_of(), updater_of()
    trained(saved)
    weights = {name: np.ones(3, np.float32) for name in names}
    grads = [np.ones(3, np.float32) for _ in names]

    def step():
        if at_once:
            other(list(names), grads, list(weights.values()))
        for name, grad in zip(names, grads, strict=True):
            other(name, grad, weights[name])

    other.set_states(saved.get_states())
    with pytest.raises(ValueError, match="index: expected one that the states of set_states have"):
        step()
    assert {"a", "b"} == set(other.states)
    other.set_states(saved.get_states(), strict=False)
    step()
    assert set(other.states) == {"a", "b", *names}


def test_a_weight_may_come_in_later():
    saved, other = updater_of(), updater_of()
    trained(saved)
    other.set_states(saved.get_states())
    trained(other, steps=2)
    trained(other, names=("c",), steps=1)


def test_a_loaded_state_whose_weight_never_comes_is_a_warning_once():
    saved, other = updater_of(), updater_of()
    weight = trained(saved, names=("a", "b", "c"))["a"]
    other.set_states(saved.get_states())
    with pytest.warns(UserWarning, match="states of 'b', 'c' were loaded, and their") as caught:
        deque((other("a", weight.copy(), weight) for _ in range(9)), maxlen=0)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    ("how", "needed"),
    [
        ({"shape": (4,)}, r"\(float32\[4\], float32\[4\]\)"),
        ({"shape": (3, 1)}, r"\(float32\[3, 1\], float32\[3, 1\]\)"),
        ({"dtype": np.float64}, r"\(float64\[3\], float64\[3\]\)"),
        ({"dtype": np.float16}, r"\(float16\[3\], float16\[3\]\)"),
    ],
)
def test_a_state_that_does_not_fit_its_weight_is_refused(how, needed):
    saved, other = updater_of(), updater_of()
    trained(saved)
    other.set_states(saved.get_states())
    match = rf"loaded state of 'a': expected {needed}, got \(float32\[3\], float32\[3\]\); "
    for _ in range(2):
        with pytest.raises(ValueError, match=match):
            trained(other, **how)
    assert other.optimizer.num_update == 2
    assert other.get_states() == saved.get_states()
    other.set_states(saved.get_states(), strict=False)
    trained(other, **how, steps=1)
    assert other.optimizer._index_update_count == {"a": 1, "b": 1}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_weight_that_is_not_its_masters_is_refused(dtype):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    saved, other = (updater_of(multi_precision=True, learning_rate=0.1) for _ in range(2))
    weights = trained(saved, dtype=dtype)
    weight, grad = np.full(3, 77, dtype), np.ones(3, dtype)
    other.set_states(saved.get_states())
    match = "weight of 'a': expected the values of the master copy in its loaded state, got others"
    with pytest.raises(ValueError, match=match):
        other("a", grad, weight)
    assert (weight == 77).all()
    assert other.get_states() == saved.get_states()
    other("a", grad, weights["a"])
    other.set_states(saved.get_states(), strict=False)
    other("a", grad, weight)
    assert (other.states["a"][-1] < 77).all()
    assert (other.states["a"][-1] > 76.8).all()
    assert other.optimizer._index_update_count["a"] == 3


def test_a_master_beyond_the_weights_range_and_nan_are_its_own():
    saved, other = (updater_of("sgd", multi_precision=True, learning_rate=1.0) for _ in range(2))
    weight, grad = np.full(2, 60000, np.float16), np.array([-60000, np.nan], np.float16)
    saved("a", grad, weight)
    assert np.isinf(weight[0])
    assert np.isnan(weight[1])
    other.set_states(saved.get_states())
    other("a", grad, weight)


def test_counting_that_begins_later_goes_on_from_there_before_any_update():
    saved = updater_of(begin_num_update=7)
    other = updater_of(begin_num_update=7)
    other.set_states(saved.get_states())
    assert (other.optimizer.num_update, other.optimizer._index_update_count) == (7, {})
    third = updater_of()
    with pytest.warns(UserWarning, match="begin_num_update: the states were saved with 7"):
        third.set_states(saved.get_states())
    assert third.optimizer.num_update == 7


def test_the_metadata_describe_the_optimizer():
    scheduler = mx.lr_scheduler.create("factor", step=5, factor=0.5)
    updater = updater_of(lr_scheduler=scheduler, param_idx2name={0: "w"}, wd=0.25)
    settings = content_of(updater.get_states())[1]["settings"]
    assert settings["package"] == "weightopt_adam"
    assert settings["hyperparameters"]["wd"] == 0.25
    assert settings["hyperparameters"]["beta2"] == 0.999
    assert settings["lr_scheduler"][0] == "factorscheduler"
    assert settings["lr_scheduler"][1]["step"] == 5
    assert settings["names"] == [[0, "w"]]
    assert settings["versions"]["weightopt-core"] == mx.__version__
    assert "weightopt-adam" in settings["versions"]


def test_states_of_format_1_load(rng):
    whole = stepped(rng, 3)
    header, content, body = content_of(whole.get_states())
    del content["settings"]
    header["__metadata__"]["weightopt"] = json.dumps(content | {"format": 1})
    other = updater_of(beta2=0.5)  # format 1 does not say what it was
    other.set_states(framed(header, body))
    np.testing.assert_array_equal(other.states[0][1], whole.states[0][1])
    assert other.optimizer.num_update == 2
    with pytest.raises(ValueError, match="states: expected those of sgd, got those of adam"):
        updater_of("sgd").set_states(framed(header, body))


SETTINGS = {
    "names": [1, [1], [[1], "w"], [0, ["w"]], {}, None, "ab"],
    "hyperparameters": [1, None, "wd", {"wd": []}, [[]]],
    "package": [1, None, {}, []],
    "lr_scheduler": [1, "factor", {}],
    "learning_rate": [{}, "1"],
    "versions": [1],
}


@pytest.mark.filterwarnings("ignore:.*the states were saved with")
@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in SETTINGS.items() for v in vs])
def test_crafted_settings_do_no_harm(name, value, rng):
    data = stepped(rng, 3).get_states()
    settings = content_of(data)[1]["settings"]
    updater = updater_of(param_idx2name={0: "w"})
    deep = value
    for _ in range(300):
        deep = [deep, "x" * 1000]
    for given in (settings | {name: value}, settings | {name: [value]}, settings | {name: deep}):
        message = "states: expected"
        try:
            updater.set_states(edited(data, settings=given))
        except ValueError as error:
            message = str(error)
        assert message.startswith("states: expected")
        assert len(message) < 2000


def test_two_updaters_on_one_optimizer_are_told_that_they_share_counts():
    optimizer = mx.optimizer.create("adam")
    first, second = mx.optimizer.get_updater(optimizer), mx.optimizer.get_updater(optimizer)
    weight = np.ones(3, np.float32)
    first(0, weight.copy(), weight)
    with pytest.warns(UserWarning, match=r"update of 0: its state begins anew.*from 1.*reset\(0\)"):
        second(0, weight.copy(), weight)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second(0, weight.copy(), weight)
        second(1, weight.copy(), weight.copy())
        optimizer.reset()
        mx.optimizer.get_updater(optimizer)(0, weight.copy(), weight)
