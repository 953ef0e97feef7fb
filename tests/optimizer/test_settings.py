"""What is set after construction takes effect, and what would have none is an error."""

import re
import warnings

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.hyperparameters import Pattern


def stepped(optimizer, index=0):
    weight = np.ones(4)
    optimizer.update(index, weight, np.zeros(4), optimizer.create_state(index, weight))
    return list(weight)


class Symbol:
    """Names and attributes of a network."""

    def list_arguments(self):
        return ["fc_weight", "fc_bias"]

    def attr_dict(self):
        return {"fc_weight": {"__wd_mult__": "3.0"}}


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("sgld", "seed", 2),
        ("sgd", "param_idx2name", {0: "fc_bias", 2: "fc_weight"}),
        ("sgd", "param_idx2name", {0: "fc_weight", 1: "fc_bias"}),
        ("sgd", "sym", Symbol()),
    ],
)
def test_set_later_is_as_if_given(name, setting, value):
    common = {"learning_rate": 0.5, "wd": 0.25}
    names = {} if setting == "param_idx2name" else {"param_idx2name": {0: "fc_weight"}}
    given = mx.optimizer.create(name, **common, **{**names, setting: value})
    start = {"seed": 1} if setting == "seed" else {}
    later = mx.optimizer.create(name, **common, **names, **start)
    setattr(later, setting, value)
    assert stepped(later) == stepped(given)
    assert getattr(later, setting) == value


def test_names_that_are_set_are_those_that_count():
    names = {0: "fc_bias", 1: "fc_weight"}
    optimizer = mx.optimizer.create("sgd", learning_rate=1.0, wd=0.5)
    optimizer.idx2name = names
    assert optimizer.idx2name == optimizer.param_idx2name == names
    assert stepped(optimizer) == [1.0] * 4
    optimizer.param_idx2name = None
    assert (optimizer.idx2name, stepped(optimizer)) == ({}, [0.5] * 4)


@pytest.mark.parametrize("setting", ["param_idx2name", "idx2name"])
def test_multipliers_of_names_that_turn_out_unknown_are_an_error(setting):
    optimizer = mx.optimizer.create("sgd", wd=0.5)
    optimizer.set_lr_mult({"fc_wieght": 0.0})
    with pytest.raises(ValueError, match=r"lr_mult: .*'fc_wieght'; did you mean 'fc_weight'"):
        setattr(optimizer, setting, {0: "fc_weight"})
    assert (optimizer.idx2name, optimizer.param_idx2name) == ({}, None)
    assert optimizer.lr_mult == {"fc_wieght": 0.0}


@pytest.mark.parametrize(
    ("make", "name", "meant"),
    [
        (lambda: mx.optimizer.create("adam"), "beta_1", "beta1"),
        (lambda: mx.optimizer.create("adam"), "learning_rat", "learning_rate"),
        (lambda: mx.optimizer.create("adam"), "num_updates", "num_update"),
        (lambda: mx.init.create("xavier"), "magntude", "magnitude"),
        (lambda: mx.lr_scheduler.create("factor", step=1), "baselr", "base_lr"),
    ],
)
def test_a_misspelt_attribute_is_an_error(make, name, meant):
    algorithm = make()
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'; did you mean '{meant}'"):
        setattr(algorithm, name, 0.5)
    assert not hasattr(algorithm, name)


def test_an_option_of_another_library_is_an_error():
    with pytest.raises(AttributeError, match="Adam has no attribute 'amsgrad'"):
        mx.optimizer.create("adam").amsgrad = True


def test_a_class_may_have_attributes_of_its_own():
    class Own(mx.Optimizer):
        annotated: float
        plain = 1

        def __init__(self, betas=None, **kwargs):
            self.before = 1
            super().__init__(**kwargs)
            self.betas = betas
            for name in ("first", "second"):
                setattr(self, name, name)

        def update(self, index, weight, grad, state):
            self._count()
            self.seen = index

        def _count(self):
            self.counted = 1

    own = Own(betas=3)
    own.update(0, None, None, None)
    own.annotated = own.plain = own.before = own.betas = own.seen = own.counted = own.first = 2
    own._private = own.like_none_of_them = 2
    with pytest.raises(AttributeError, match="Own has no attribute 'beta'; did you mean 'betas'"):
        own.beta = 2


@pytest.mark.parametrize("name", ["sgd", "nag", "dcasgd"])
def test_a_momentum_schedule_may_pass_0(name):
    def path(schedule, first):
        optimizer = mx.optimizer.create(name, momentum=first, learning_rate=0.5)
        update = mx.optimizer.get_updater(optimizer)
        weight = np.zeros(2)
        for optimizer.momentum in schedule:
            update("fc_weight", np.ones(2), weight)
        return weight[0]

    assert path([0.5, 0.0, 0.5], 0.5) == path([0.5, 1e-300, 0.5], 0.5)
    assert path([0.0, 0.5, 0.5], 0.5) == path([1e-300, 0.5, 0.5], 0.5)


@pytest.mark.parametrize("name", ["sgd", "nag", "dcasgd"])
def test_a_momentum_that_has_no_state_is_an_error_where_it_is_set(name):
    optimizer = mx.optimizer.create(name)
    assert stepped(optimizer) == [1.0] * 4
    with pytest.raises(ValueError, match=r"^momentum: expected 0 after updates without, got 0.5; "):
        optimizer.momentum = 0.5
    assert (optimizer.momentum, stepped(optimizer)) == (0.0, [1.0] * 4)
    optimizer.reset()
    optimizer.momentum = 0.5
    assert stepped(optimizer) == [1.0] * 4


DECAYING = ["fc1_weight", "fc1.weight", "Dense_0/kernel", "kernel", "bn_gamma", "ln.gamma"]
OTHERS = ["fc1_bias", "fc1.bias", "bias", "bn_beta", "weights", "W1", "weight", "bn.running_mean"]


def decayed(name, **given):
    """Return whether a weight decays that has the name through `param_idx2name`, and as index."""
    common = {"learning_rate": 1.0, "wd": 0.5, **given}
    named = mx.optimizer.create("sgd", param_idx2name={0: name, 1: "x_weight"}, **common)
    indexed = mx.optimizer.create("sgd", **common)
    return [stepped(named)[0] < 1, stepped(indexed, name)[0] < 1, indexed._get_wd(name) > 0]


@pytest.mark.parametrize("name", [*DECAYING, *OTHERS])
def test_one_rule_of_decay_for_names_and_for_indices_that_are_names(name):
    assert decayed(name) == [name in DECAYING] * 3


def test_a_decay_may_be_set_for_any_name():
    optimizer = mx.optimizer.create("sgd", learning_rate=1.0, wd=0.5)
    optimizer.set_wd_mult({"fc1_bias": 2.0, "fc1_weight": 0.0})
    assert [stepped(optimizer, name)[0] for name in ("fc1_bias", "fc1_weight")] == [0.0, 1.0]


def heard(optimizer, *indices):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for index in indices:
            stepped(optimizer, index)
    assert all(warning.filename == __file__ for warning in told)
    return [str(warning.message) for warning in told]


NONE = "wd: expected a parameter that decays, got 0.5 and none; names of those that do"


@pytest.mark.parametrize("names", [{0: "W1", 1: "b1"}, None])
def test_a_decay_that_reaches_no_parameter_is_warned_of_once(names):
    optimizer = mx.optimizer.create("sgd", wd=0.5, param_idx2name=names)
    indices = names or ("W1", "b1")
    (text,) = heard(optimizer, *indices, *indices, *indices)
    assert text.startswith(NONE)


@pytest.mark.parametrize(
    ("given", "indices"),
    [
        ({"wd": 0.5}, ("fc_bias", "fc_weight") * 2),
        ({"wd": 0.5}, (0, 1, 0)),
        ({"wd": 0.0}, ("W1", "W1")),
        ({"wd": 0.5, "param_idx2name": {0: "fc_bias", 1: "fc_weight"}}, (0, 0)),
    ],
)
def test_there_is_no_warning_where_a_parameter_decays(given, indices):
    assert heard(mx.optimizer.create("sgd", **given), *indices) == []


def test_who_switches_every_decay_off_is_not_warned():
    optimizer = mx.optimizer.create("sgd", wd=0.5)
    optimizer.set_wd_mult({"W1": 0.0})
    assert heard(optimizer, "W1", "W1") == []


def test_a_decay_set_later_is_looked_at():
    optimizer = mx.optimizer.create("sgd", wd=0.0)
    assert heard(optimizer, "W1", "W1") == []
    optimizer.wd = 0.5
    assert len(heard(optimizer, "W1", "W1")) == 1


def test_a_key_that_no_index_has_is_warned_of():
    optimizer = mx.optimizer.create("sgd")
    optimizer.set_lr_mult({"W_1": 0.0, "b1": 2.0})
    assert heard(optimizer, "W1", "b1") == []
    text = "lr_mult: 'W_1' is no parameter that was updated so far; did you mean 'W1'?"
    assert [told.split(" or ")[0] for told in heard(optimizer, "W1", "b1")] == [text]


@pytest.mark.parametrize("pattern", [b"weight", re.compile("weight"), 1])
def test_a_pattern_is_text(pattern):
    """What else `re` would take could not be written as JSON."""
    declared = Pattern()
    declared.name = "pattern"
    with pytest.raises(TypeError, match="pattern: expected a regular expression, got"):
        declared.check(pattern)
    with pytest.raises(ValueError, match=r"pattern: expected a regular expression, got '\('"):
        declared.check("(")
