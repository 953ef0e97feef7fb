import inspect

import numpy as np
import pytest
from weightopt_adagrad import AdaGrad

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature_is_the_pages():
    assert str(inspect.signature(AdaGrad)) == "(eps=1e-07, **kwargs)"
    assert AdaGrad().learning_rate == 0.01


@pytest.mark.parametrize("eps", [0, -1, float("inf"), None, "1e-7"])
def test_eps_out_of_range(eps):
    with pytest.raises((TypeError, ValueError), match=r"^eps: expected a number in \(0, inf\)"):
        AdaGrad(eps)


@each_dtype
def test_steps_divide_by_the_norm_of_all_gradients(dtype):
    lr, eps, wd, scale, bound = 0.1, 1e-3, 0.01, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(8, 5))
    adagrad = AdaGrad(eps, learning_rate=lr, wd=wd, rescale_grad=scale, clip_gradient=bound)
    weight = np.linspace(-1, 1, 5).astype(dtype)
    state = adagrad.create_state(0, weight)
    scaled = np.clip(scale * grads, -bound, bound)
    for t, grad in enumerate(grads):
        before = weight.astype(float)
        adagrad.update(0, weight, grad.astype(dtype), state)
        norm = np.hypot(np.linalg.norm(scaled[: t + 1], axis=0), np.sqrt(eps))
        expected = (1 - lr * wd) * before - lr * scaled[t] / norm
        np.testing.assert_allclose(weight, expected, rtol=1e-5, atol=1e-6)


def test_the_decay_is_neither_clipped_nor_divided():
    adagrad = AdaGrad(learning_rate=0.5, wd=1, clip_gradient=0.1)
    weight = np.array([4.0])
    adagrad.update(0, weight, np.zeros(1), adagrad.create_state(0, weight))
    np.testing.assert_array_equal(weight, 2.0)


def test_an_element_without_gradient_stays():
    adagrad = AdaGrad(learning_rate=0.5)
    weight = np.array([1.0, 1.0])
    state = adagrad.create_state(0, weight)
    for _ in range(3):
        adagrad.update(0, weight, np.array([0.0, 1.0]), state)
    assert weight[0] == 1.0
    assert weight[1] < 0.2
