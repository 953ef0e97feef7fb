import inspect
import json

import numpy as np
import pytest

import weightopt_core as mx


def fill(init, name, shape=(2, 3)):
    arr = np.full(shape, 7.0)
    init(name, arr)
    return arr


def test_the_first_pattern_that_fits_decides():
    init = mx.init.Mixed(["fc1.*", ".*", "fc2.*"], [mx.init.Constant(3), "one", "zero"])
    assert (fill(init, "fc1_weight") == 3).all()
    assert (fill(init, "fc2_weight") == 1).all()


def test_patterns_fit_at_the_start():
    init = mx.init.Mixed(["bias", ".*"], [mx.init.LSTMBias(9), "zero"])
    assert fill(init, "fc1_bias", (4,)).tolist() == [0, 0, 0, 0]
    assert fill(init, "bias_weight", (4,)).tolist() == [0, 9, 0, 0]


def test_the_chosen_one_goes_by_the_name():
    init = mx.init.Mixed([".*"], ["one"])
    assert (fill(init, "fc1_bias") == 0).all()
    assert (fill(init, "bn_gamma") == 1).all()


@pytest.mark.parametrize("make", [str, mx.InitDesc])
def test_a_name_that_nothing_fits_is_an_error(make):
    init = mx.init.Mixed(["bias", "fc.*"], ["zero", "one"])
    message = r"'conv_weight': expected a name that one of the patterns 'bias', 'fc\.\*' matches"
    with pytest.raises(ValueError, match=message):
        fill(init, make("conv_weight"))


def test_initializers_in_any_form():
    forms = [mx.init.Constant(2), "ones", '["constant", {"value": 4}]']
    init = mx.init.Mixed(["a.*", "b.*", "c.*"], forms)
    assert [fill(init, f"{letter}_weight", (1,))[0] for letter in "abc"] == [2, 1, 4]


def test_dumps_round_trips():
    inner = mx.init.Mixed([".*"], [mx.init.Xavier(magnitude=2)])
    init = mx.init.Mixed(["a.*", ".*"], ["zero", inner])
    again = mx.init.create(init.dumps())
    assert again.dumps() == init.dumps()
    assert again.initializers[1].initializers[0].magnitude == 2
    assert json.loads(init.dumps())[1]["initializers"][0] == '["zero", {}]'


def test_page_signature():
    parameters = inspect.signature(mx.init.Mixed).parameters
    assert list(parameters) == ["patterns", "initializers", "kwargs"]


def test_an_attribute_goes_first():
    init = mx.init.Mixed(["nothing"], ["one"])
    desc = mx.InitDesc("fc1_weight", {"__init__": "zero"})
    with pytest.raises(ValueError, match="expected a name that one of the patterns"):
        fill(init, desc)
    init = mx.init.Mixed([".*"], ["one"])
    assert (fill(init, desc) == 0).all()


def test_as_an_attribute_it_fills_weights_whatever_the_name():
    mixed = mx.init.Mixed(["x.*", ".*"], ["zero", mx.init.Constant(3)])
    desc = mx.InitDesc("anything", {"__init__": mixed.dumps()})
    assert (fill(mx.init.One(), desc) == 3).all()


def test_pieces_without_an_initializer_come_back_to_it():
    rnn = mx.init.FusedRNN(None, 2, 1, "rnn_tanh")
    init = mx.init.Mixed(["rnn", ".*i2h", ".*"], [rnn, mx.init.Constant(3), mx.init.Constant(4)])
    vector = fill(init, mx.InitDesc("rnn_parameters"), (12,))
    assert vector.tolist() == [3] * 4 + [4] * 4 + [0] * 4


@pytest.mark.parametrize(
    ("patterns", "initializers", "error", "message"),
    [
        (["a", "b"], ["zero"], ValueError, "initializers: expected one for each pattern, 2, got 1"),
        (["("], ["zero"], ValueError, r"each of patterns: expected a regular expression, got '\('"),
        ("a", ["zero"], TypeError, "patterns: expected a list, each of it a regular expression"),
        ([1], ["zero"], TypeError, "each of patterns: expected a regular expression, got 1"),
        (["a"], ["xavir"], ValueError, "unknown initializer 'xavir'; did you mean 'xavier'?"),
        (["a"], [3], TypeError, "expected an Initializer, a name, or what dumps"),
    ],
)
def test_arguments_are_checked(patterns, initializers, error, message):
    with pytest.raises(error, match=message):
        mx.init.Mixed(patterns, initializers)
