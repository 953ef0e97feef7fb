import inspect

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
    with pytest.raises(TypeError, match=r"Constant\(\) needs 'value', a number in \(-inf, inf\)"):
        mx.init.Constant()


@pytest.mark.parametrize(
    ("value", "text"), [(4, "4"), (0.5, "0.5"), (np.float32(0.5), "0.5"), (np.int64(4), "4")]
)
def test_dumps(value, text):
    assert mx.init.Constant(value).dumps() == f'["constant", {{"value": {text}}}]'


@pytest.mark.parametrize("value", ["1", None, [1.0], True])
def test_the_value_is_a_number(value):
    with pytest.raises(TypeError, match="value: expected a number"):
        mx.init.Constant(value)
