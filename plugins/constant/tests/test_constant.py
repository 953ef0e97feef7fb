import inspect
import json

import numpy as np
import pytest

import weightopt_core as mx


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_weights_are_the_value_and_the_rest_goes_by_name(dtype):
    init = mx.init.Constant(-2.5)
    for parameter, value in {"fc1_weight": -2.5, "fc1_bias": 0, "bn_gamma": 1}.items():
        arr = np.full((2, 3), 7, dtype)
        init(parameter, arr)
        assert (arr == value).all()


def test_integers_lose_the_fraction():
    arr = np.zeros(2, np.int32)
    mx.init.Constant(2.5)("fc1_weight", arr)
    assert arr.tolist() == [2, 2]


def test_page_signature():
    parameters = inspect.signature(mx.init.Constant).parameters
    assert list(parameters) == ["value", "kwargs"]
    assert parameters["value"].default is inspect.Parameter.empty
    with pytest.raises(
        TypeError, match=r"Constant\(\) needs 'value', a number in \(-inf, inf\), or an"
    ):
        mx.init.Constant()


@pytest.mark.parametrize(
    ("value", "text"), [(4, "4"), (0.5, "0.5"), (np.float32(0.5), "0.5"), (np.int64(4), "4")]
)
def test_dumps(value, text):
    assert mx.init.Constant(value).dumps() == f'["constant", {{"value": {text}}}]'


@pytest.mark.parametrize(
    "value", ["1", None, True, ["1"], [None], [True], [1j], [[1, 2], [3]], np.array([True]), {}]
)
def test_the_value_is_a_number_or_an_array_of_them(value):
    message = r"value: expected a number in \(-inf, inf\), or an array of them, got "
    with pytest.raises((TypeError, ValueError), match=message):
        mx.init.Constant(value)


@pytest.mark.parametrize("value", [np.nan, np.inf, [1.0, np.nan], np.array([[-np.inf]])])
def test_it_is_finite(value):
    with pytest.raises(ValueError, match="value: expected a number"):
        mx.init.Constant(value)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32])
@pytest.mark.parametrize(
    "value",
    [
        [1, 2, 3],
        [[1.5], [-2.5]],
        ((1, 2, 3), (4, 5, 6)),
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.arange(6)[::2],
        [7],
        [[0.1]],
    ],
)
def test_an_array_is_repeated_as_in_numpy_and_round_trips(value, dtype):
    init = mx.init.Constant(value)
    again = mx.init.create(init.dumps())
    assert json.loads(init.dumps()) == ["constant", {"value": np.array(value).tolist()}]
    assert again.dumps() == init.dumps()
    expected = np.empty((2, 3), dtype)
    expected[...] = np.array(value)
    for one in (init, again):
        arr = np.zeros((2, 3), dtype)
        one("fc1_weight", arr)
        np.testing.assert_array_equal(arr, expected)
        bias = np.ones(3)
        one("fc1_bias", bias)
        assert not bias.any()


def test_the_array_is_a_copy():
    value = np.ones(3)
    init = mx.init.Constant(value)
    value[:] = 5
    weight = np.zeros(3)
    init("fc1_weight", weight)
    assert weight.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="read-only"):
        init.value[0] = 5


@pytest.mark.parametrize("shape", [(), (2,), (3, 2), (0,)])
def test_a_shape_that_does_not_fit_is_an_error(shape):
    weight = np.full(shape, 7.0)
    message = r"'fc1_weight': expected one that a value of shape \(2, 3\) fits, got shape \("
    with pytest.raises(ValueError, match=message):
        mx.init.Constant(np.zeros((2, 3)))("fc1_weight", weight)
    assert (weight == 7).all()
