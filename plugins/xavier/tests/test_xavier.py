import inspect
import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import weightopt_core as mx

FACTORS = ["avg", "in", "out"]


def scale(shape, factor_type, magnitude):
    kernel = math.prod(shape[2:])
    fans = {"in": shape[1] * kernel, "out": shape[0] * kernel}
    return math.sqrt(magnitude / fans.get(factor_type, sum(fans.values()) / 2))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=2, max_size=5).map(tuple),
    st.sampled_from(FACTORS),
    st.floats(0, 1e6),
)
def test_uniform_numbers_stay_within_the_scale(shape, factor_type, magnitude):
    weight = np.full(shape, np.nan)
    mx.init.Xavier("uniform", factor_type, magnitude, seed=1)("fc1_weight", weight)
    assert (abs(weight) <= scale(shape, factor_type, magnitude)).all()


@pytest.mark.parametrize("rnd_type", ["uniform", "gaussian"])
@pytest.mark.parametrize("factor_type", FACTORS)
@pytest.mark.parametrize("shape", [(300, 100), (40, 20, 5, 5), (64, 32, 9)])
def test_spread(rnd_type, factor_type, shape):
    weight = np.empty(shape, np.float32)
    mx.init.Xavier(rnd_type, factor_type, 2.0, seed=1)("fc1_weight", weight)
    expected = scale(shape, factor_type, 2.0) / (math.sqrt(3) if rnd_type == "uniform" else 1)
    assert weight.std() == pytest.approx(expected, rel=0.02)
    assert abs(weight.mean()) < 0.02 * expected


def test_page_signature_and_dumps():
    parameters = inspect.signature(mx.init.Xavier).parameters
    assert {name: p.default for name, p in parameters.items() if name != "kwargs"} == {
        "rnd_type": "uniform",
        "factor_type": "avg",
        "magnitude": 3,
    }
    text = '["xavier", {"rnd_type": "uniform", "factor_type": "in", "magnitude": 2.34}]'
    assert mx.init.Xavier(factor_type="in", magnitude=2.34).dumps() == text


@pytest.mark.parametrize("shape", [(), (5,), (0, 5), (5, 0), (5, 5, 0)])
def test_a_shape_without_fans_is_an_error(shape):
    with pytest.raises(ValueError, match=r"'fc1_weight': expected two dimensions .* got shape \("):
        mx.init.Xavier()("fc1_weight", np.empty(shape))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rnd_type": "normal"}, "rnd_type: expected 'uniform' or 'gaussian', got 'normal'"),
        ({"factor_type": "sum"}, "factor_type: expected 'avg' or 'in' or 'out', got 'sum'"),
        ({"magnitude": -1}, r"magnitude: expected a number in \[0, inf\), got -1"),
    ],
)
def test_arguments_have_ranges(arguments, message):
    with pytest.raises(ValueError, match=message):
        mx.init.Xavier(**arguments)
