import inspect

import numpy as np
import pytest

import weightopt_core as mx


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_fills_the_range(dtype):
    weight = np.empty((100, 200), dtype)
    mx.init.Uniform(0.5, seed=1)("fc1_weight", weight)
    assert -0.5 <= weight.min() < -0.499
    assert 0.499 < weight.max() <= 0.5
    assert abs(weight.astype(float).mean()) < 0.01
    assert weight.astype(float).std() == pytest.approx(0.5 / np.sqrt(3), rel=0.02)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_numbers_are_those_of_numpy(dtype):
    weight = np.empty((3, 50), dtype)
    mx.init.Uniform(0.1, seed=5)("fc1_weight", weight)
    key = mx.random.stream("fc1_weight", 5)
    drawn = np.random.Generator(np.random.Philox(key=key)).random(weight.size, dtype=dtype)
    expected = dtype(-0.1) + dtype(0.2) * drawn
    np.testing.assert_array_equal(weight, expected.reshape(weight.shape))


def test_page_signature_and_dumps():
    parameters = inspect.signature(mx.init.Uniform).parameters
    assert list(parameters) == ["scale", "kwargs"]
    assert parameters["scale"].default == 0.07
    assert mx.init.Uniform().dumps() == '["uniform", {"scale": 0.07}]'
    assert mx.init.Uniform(seed=3).dumps() == '["uniform", {"scale": 0.07, "seed": 3}]'


def test_scale_0_gives_zeros():
    weight = np.full(5, 7.0)
    mx.init.Uniform(0)("fc1_weight", weight)
    assert not weight.any()


@pytest.mark.parametrize("scale", [-0.1, float("nan"), float("inf")])
def test_scale_has_a_range(scale):
    with pytest.raises(ValueError, match=r"scale: expected a number in \[0, inf\), got"):
        mx.init.Uniform(scale)


def test_integers_cannot_be_drawn():
    with pytest.raises(TypeError, match=r"dtype of array of 'fc1_weight': .* got int32"):
        mx.init.Uniform()("fc1_weight", np.zeros(3, np.int32))
