import inspect
import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import weightopt_core as mx


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=2, max_size=5).map(tuple),
    st.sampled_from(["avg", "in", "out"]),
    st.floats(-10, 10),
)
def test_equals_a_gaussian_xavier(shape, factor_type, slope):
    weight, expected = np.empty(shape), np.empty(shape)
    mx.init.MSRAPrelu(factor_type, slope, seed=1)("fc1_weight", weight)
    magnitude = 2 / (1 + slope**2)
    mx.init.Xavier("gaussian", factor_type, magnitude, seed=1)("fc1_weight", expected)
    np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("slope", [0, 0.25, 1])
def test_spread(slope):
    weight = np.empty((64, 50, 3, 3), np.float32)
    mx.init.MSRAPrelu("in", slope, seed=1)("conv1_weight", weight)
    assert weight.std() == pytest.approx(math.sqrt(2 / (1 + slope**2) / 450), rel=0.02)


def test_page_signature_and_dumps():
    parameters = inspect.signature(mx.init.MSRAPrelu).parameters
    assert list(parameters) == ["factor_type", "slope", "kwargs"]
    assert [parameters[name].default for name in ("factor_type", "slope")] == ["avg", 0.25]
    text = '["msraprelu", {"factor_type": "avg", "slope": 0.25}]'
    assert mx.init.MSRAPrelu().dumps() == text


@pytest.mark.parametrize("name", ["rnd_type", "magnitude"])
def test_what_it_fixes_cannot_be_given(name):
    with pytest.raises(TypeError, match=rf"MSRAPrelu\(\) has no argument '{name}'"):
        mx.init.MSRAPrelu(**{name: 1})


def test_a_shape_without_fans_is_an_error():
    with pytest.raises(ValueError, match=r"'fc1_weight': expected two dimensions"):
        mx.init.MSRAPrelu()("fc1_weight", np.empty(5))


@pytest.mark.parametrize("slope", [1e200, -1e200, 10**200])
def test_a_huge_slope_leaves_weights_of_zero(slope):
    weight = np.ones((2, 3))
    mx.init.MSRAPrelu(slope=slope)("fc1_weight", weight)
    assert not weight.any()
