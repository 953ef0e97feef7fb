import inspect

import numpy as np
import pytest
from weightopt_adabelief import AdaBelief

#: The formula here rounds in another order; what that adds up to in 20 steps.
each_dtype = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-13)], ids=["float32", "float64"]
)


def test_signature():
    assert str(inspect.signature(AdaBelief)) == (
        "(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-16, **kwargs)"
    )


@each_dtype
def test_equals_the_papers_algorithm_2(dtype, rtol):
    alpha, b1, b2, epsilon, decay, scale, bound = 0.1, 0.8, 0.95, 1e-3, 0.03, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(20, 30))
    adabelief = AdaBelief(
        alpha, b1, b2, epsilon, wd=decay / alpha, rescale_grad=scale, clip_gradient=bound
    )
    theta = np.linspace(-1, 1, 30)
    weight = theta.astype(dtype)
    state = adabelief.create_state(0, weight)
    seen, distances = [], []
    for t, grad in enumerate(grads.astype(dtype), start=1):
        adabelief.update(0, weight, grad, state)
        seen.append(np.clip(scale * grad.astype(float), -bound, bound))
        ages = np.arange(t)[::-1, None]
        mean = ((1 - b1) * b1**ages * seen).sum(0)
        distances.append((1 - b2) * (seen[-1] - mean) ** 2 + epsilon)
        belief = (b2**ages * distances).sum(0) / (1 - b2**t)
        theta -= alpha * mean / (1 - b1**t) / (np.sqrt(belief) + epsilon) + decay * theta
        np.testing.assert_allclose(weight, theta, rtol=rtol, atol=rtol)


def test_steps_are_long_where_gradients_agree():
    adabelief, weight = AdaBelief(0.1), np.zeros(2)
    state = adabelief.create_state(0, weight)
    for sign in (1, -1) * 50:
        adabelief.update(0, weight, np.array([1.0, sign]), state)
    before = weight.copy()
    adabelief.update(0, weight, np.array([1.0, 1.0]), state)
    lengths = np.abs(weight - before)
    assert lengths[0] > 10 * lengths[1]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_without_any_gradient_the_weight_stays(dtype):
    adabelief, weight = AdaBelief(0.1), np.ones(2, dtype)
    state = adabelief.create_state(0, weight)
    for _ in range(3):
        adabelief.update(0, weight, np.zeros(2, dtype), state)
    np.testing.assert_array_equal(weight, 1)
