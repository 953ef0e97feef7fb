"""Multipliers of single parameters: where they come from, and which of them go before others."""

import math

import numpy as np
import pytest

import weightopt_core as mx


class Symbol:
    """Names and attributes of a network."""

    def list_arguments(self):
        return ["fc_weight", "fc_bias", "scale"]

    def attr_dict(self):
        return {
            "fc_weight": {"__lr_mult__": "0.25", "__wd_mult__": "3.0"},
            "fc_bias": {"__wd_mult__": "2.0"},
            "no_argument": {"__lr_mult__": "9"},
        }


def create(**given):
    return mx.optimizer.create("sgd", learning_rate=1.0, wd=0.5, **given)


def rates(optimizer, *indices):
    return [(optimizer._get_lr(index), optimizer._get_wd(index)) for index in indices]


def test_what_is_set_goes_before_the_attributes_and_these_before_the_names():
    optimizer = create(sym=Symbol(), param_idx2name={0: "fc_weight", 1: "fc_bias"})
    assert rates(optimizer, 0, 1) == [(0.25, 1.5), (1.0, 1.0)]
    optimizer.set_lr_mult({"fc_weight": 4.0})
    optimizer.set_wd_mult({"fc_weight": 0.0, 1: 8.0})
    assert rates(optimizer, 0, 1) == [(4.0, 0.0), (1.0, 4.0)]
    weights = [np.ones(1), np.ones(1)]
    optimizer.update([0, 1], weights, [np.ones(1), np.zeros(1)], [None, None])
    assert [weight[0] for weight in weights] == [-3.0, -3.0]


def test_the_arguments_of_a_network_are_known_names():
    optimizer = create(sym=Symbol())
    optimizer.set_lr_mult({"scale": 2.0})
    optimizer.set_wd_mult({"scale": 6.0})
    assert rates(optimizer, "scale") == [(2.0, 3.0)]
    with pytest.raises(ValueError, match="unknown parameter 'scales'; did you mean 'scale'"):
        optimizer.set_lr_mult({"scales": 2.0})
    named = create(sym=Symbol(), param_idx2name={0: "fc_weight"})
    named.set_lr_mult({"scale": 2.0})
    assert rates(named, "scale")[0][0] == 2.0


def test_names_that_are_set_are_copied():
    names = {0: "fc_weight"}
    optimizer = create()
    optimizer.idx2name = names
    names[0] = "fc_bias"
    names[1] = "other"
    assert optimizer.idx2name == optimizer.param_idx2name == {0: "fc_weight"}
    assert rates(optimizer, 0) == [(1.0, 0.5)]
    assert optimizer.param_idx2name is not names


@pytest.mark.parametrize("zero", [-0.0, 0.0, 0, np.float64(-0.0)])
def test_a_multiplier_of_zero_has_no_sign(zero):
    """A weight of -0.0 would lose its sign by a rate of -0.0, and keep it by one of 0.0."""
    optimizer = create()
    optimizer.set_lr_mult({0: zero})
    optimizer.set_wd_mult({0: zero})
    assert [math.copysign(1, rate) for rate in rates(optimizer, 0)[0]] == [1, 1]
    weight = np.array([-0.0])
    optimizer.update(0, weight, np.ones(1), None)
    assert math.copysign(1, weight[0]) == -1
