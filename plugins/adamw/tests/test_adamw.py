import inspect

import numpy as np
import pytest
from weightopt_adamw import AdamW

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature():
    assert str(inspect.signature(AdamW)) == (
        "(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, wd=0.01, **kwargs)"
    )


@each_dtype
def test_equals_the_papers_algorithm_2(dtype):
    alpha, b1, b2, epsilon, decay, scale, bound = 0.1, 0.8, 0.95, 1e-3, 0.03, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(10, 20))
    adamw = AdamW(alpha, b1, b2, epsilon, wd=decay / alpha, rescale_grad=scale, clip_gradient=bound)
    theta = np.linspace(-1, 1, 20)
    weight = theta.astype(dtype)
    state = adamw.create_state(0, weight)
    seen = np.clip(scale * grads, -bound, bound)
    for t, grad in enumerate(grads, start=1):
        adamw.update(0, weight, grad.astype(dtype), state)
        weights = b1 ** np.arange(t)[::-1], b2 ** np.arange(t)[::-1]
        # The corrected moments are weighted means: the weights are divided by their sum.
        mean = np.average(seen[:t], axis=0, weights=weights[0])
        square = np.average(seen[:t] ** 2, axis=0, weights=weights[1])
        theta = theta - (alpha * mean / (np.sqrt(square) + epsilon) + decay * theta)
        np.testing.assert_allclose(weight, theta, rtol=1e-5, atol=1e-6)


def test_without_a_gradient_the_weight_only_decays():
    adamw = AdamW(0.5, wd=0.5)
    weight = np.array([1.0, -8.0])
    state = adamw.create_state(0, weight)
    for _ in range(3):
        adamw.update(0, weight, np.zeros(2), state)
    np.testing.assert_array_equal(weight, np.array([1.0, -8.0]) * 0.75**3)


def test_a_large_decay_does_not_change_the_moments():
    states = []
    for wd in (0.0, 100.0):
        adamw = AdamW(wd=wd)
        weight = np.array([1.0, -8.0])
        state = adamw.create_state(0, weight)
        adamw.update(0, weight, np.array([0.5, 0.25]), state)
        states.append(state)
    np.testing.assert_array_equal(*states)
