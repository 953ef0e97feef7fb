import inspect

import numpy as np
import pytest

import weightopt_core as mx

Test = mx.optimizer.Test
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature_is_the_pages():
    assert str(inspect.signature(Test)) == "(**kwargs)"
    with pytest.raises(TypeError):
        Test(0.5)


@each_dtype
def test_adds_the_gradient_and_keeps_a_copy(dtype):
    optimizer = Test(rescale_grad=0.5)
    weight = np.array([1.0, -2.0], dtype)
    state = optimizer.create_state(0, weight)
    np.testing.assert_array_equal(state, 0)
    for expected in ([2.0, -1.0], [3.0, 0.0]):
        optimizer.update(0, weight, np.array([2.0, 2.0], dtype), state)
        np.testing.assert_array_equal(weight, expected)
        np.testing.assert_array_equal(state, expected)
        assert not np.shares_memory(state, weight)


def test_rate_decay_and_clipping_do_not_count():
    optimizer = Test(learning_rate=5, wd=1, clip_gradient=0.1)
    weight = np.ones(2)
    optimizer.update(0, weight, np.ones(2), optimizer.create_state(0, weight))
    np.testing.assert_array_equal(weight, 2)


def test_unknown_arguments_are_errors():
    with pytest.raises(TypeError, match="momentum"):
        Test(momentum=0.9)
