import inspect

import numpy as np
import pytest
from weightopt_lion import Lion

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature():
    expected = "(learning_rate=0.0001, beta1=0.9, beta2=0.99, **kwargs)"
    assert str(inspect.signature(Lion)) == expected


def test_a_step_has_one_length_or_none():
    lion = Lion(0.25)
    weight = np.zeros(4)
    grad = np.array([1e-30, -7.0, 0.0, 1e30])
    lion.update(0, weight, grad, lion.create_state(0, weight))
    np.testing.assert_array_equal(weight, [-0.25, 0.25, 0.0, -0.25])


@each_dtype
def test_weights_and_mean_are_sums_over_all_gradients(dtype):
    lr, b1, b2, wd, scale, bound = 0.1, 0.8, 0.95, 0.5, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(12, 50))
    lion = Lion(lr, b1, b2, wd=wd, rescale_grad=scale, clip_gradient=bound)
    start = np.linspace(-1, 1, 50)
    weight = start.astype(dtype)
    state = lion.create_state(0, weight)
    for grad in grads:
        lion.update(0, weight, grad.astype(dtype), state)
    seen = np.clip(scale * grads, -bound, bound)

    def mean(t):
        return sum((1 - b2) * b2 ** (t - 1 - i) * seen[i] for i in range(t))

    signs = [np.sign(b1 * mean(t) + (1 - b1) * seen[t]) for t in range(len(seen))]
    keep = 1 - lr * wd
    steps = sum(keep ** (len(signs) - 1 - t) * sign for t, sign in enumerate(signs))
    np.testing.assert_allclose(weight, keep ** len(signs) * start - lr * steps, rtol=0, atol=1e-6)
    np.testing.assert_allclose(state, mean(len(seen)), rtol=1e-5, atol=1e-6)


def test_the_decay_is_apart_from_the_sign():
    lion = Lion(0.5, wd=1.0)
    weight = np.array([8.0])
    lion.update(0, weight, np.array([-1e-9]), lion.create_state(0, weight))
    np.testing.assert_array_equal(weight, 8 * 0.5 + 0.5)
