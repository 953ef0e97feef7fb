import inspect

import numpy as np
import pytest

import weightopt_core as mx


@pytest.mark.parametrize(
    "name", ["l0_i2h_bias", "l0_weight", "l0_gamma", "anything", "stn_loc_bias"]
)
@pytest.mark.parametrize("make", [str, mx.InitDesc])
def test_fills_an_array_of_any_name(name, make):
    bias = np.full(12, 7, np.float32)
    mx.init.LSTMBias(2.5)(make(name), bias)
    assert bias.tolist() == [0] * 3 + [2.5] * 3 + [0] * 6


def test_as_an_attribute():
    bias = np.full(4, 7.0)
    attrs = {"__init__": mx.init.LSTMBias(3).dumps()}
    mx.init.Zero()(mx.InitDesc("l0_i2h_bias", attrs), bias)
    assert bias.tolist() == [0, 3, 0, 0]


def test_an_attribute_goes_first():
    bias = np.full(4, 7.0)
    mx.init.LSTMBias(3)(mx.InitDesc("l0_i2h_bias", {"__init__": "one"}), bias)
    assert bias.tolist() == [1, 1, 1, 1]


def test_signature_and_dumps():
    parameters = inspect.signature(mx.init.LSTMBias).parameters
    assert list(parameters) == ["forget_bias", "kwargs"]
    assert mx.init.LSTMBias(forget_bias=3.0).dumps() == '["lstmbias", {"forget_bias": 3.0}]'
    assert mx.init.LSTMBias().forget_bias == 1.0


@pytest.mark.parametrize("shape", [(), (4, 3), (1,), (2,), (3,), (6,), (10,), (4, 4)])
def test_other_shapes_are_errors_and_leave_the_array_alone(shape):
    message = r"'l0_bias': expected one dimension, a multiple of 4, got shape \("
    bias = np.full(shape, 7.0)
    with pytest.raises(ValueError, match=message):
        mx.init.LSTMBias()("l0_bias", bias)
    assert (bias == 7).all()


def test_no_units_have_no_biases():
    mx.init.LSTMBias()("l0_bias", np.empty(0))
