import inspect

import numpy as np
import pytest
from weightopt_ademamix import AdEMAMix, slow_decay

#: The formula here rounds in another order; what that adds up to in 20 steps.
each_dtype = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-13)], ids=["float32", "float64"]
)


def test_signature():
    assert str(inspect.signature(AdEMAMix)) == (
        "(learning_rate=0.001, beta1=0.9, beta2=0.999, beta3=0.9999, alpha=5.0, epsilon=1e-08, "
        "warmup=0, **kwargs)"
    )


def scheduled(t, warmup, b1, b3):
    """Return the decay by the formula as the paper prints it."""
    if t >= warmup:
        return b3
    low, high, share = np.log(b1), np.log(b3), t / warmup
    return min(np.exp(low * high / ((1 - share) * high + share * low)), b3)


@each_dtype
@pytest.mark.parametrize("warmup", [0, 8, 40])
def test_equals_the_papers_algorithm_1(warmup, dtype, rtol):
    eta, b1, b2, b3, alpha, epsilon, decay, scale, bound = 0.1, 0.8, 0.95, 0.99, 3, 1e-3, 0.3, 2, 1
    grads = np.random.default_rng(0).normal(size=(20, 30))
    given = {"wd": decay, "rescale_grad": scale, "clip_gradient": bound}
    ademamix = AdEMAMix(eta, b1, b2, b3, alpha, epsilon, warmup, **given)
    theta = np.linspace(-1, 1, 30)
    weight = theta.astype(dtype)
    state = ademamix.create_state(0, weight)
    m1 = m2 = nu = 0.0
    for t, grad in enumerate(grads.astype(dtype), start=1):
        ademamix.update(0, weight, grad, state)
        g = np.clip(scale * grad.astype(float), -bound, bound)
        beta3 = scheduled(t, warmup, b1, b3)
        m1, m2, nu = b1 * (m1 - g) + g, beta3 * (m2 - g) + g, b2 * (nu - g * g) + g * g
        mixed = m1 / (1 - b1**t) + min(t * alpha / warmup if warmup else alpha, alpha) * m2
        theta = theta - eta * (mixed / (np.sqrt(nu / (1 - b2**t)) + epsilon) + decay * theta)
        np.testing.assert_allclose(weight, theta, rtol=rtol, atol=rtol)


@pytest.mark.parametrize(("b1", "b3"), [(0.9, 0.9999), (0.5, 0.6), (0.9, 0.8)])
def test_the_memory_grows_by_equal_steps(b1, b3):
    memories = [-1 / np.log(slow_decay(t, 10, b1, b3)) for t in range(11)]
    expected = np.minimum(np.linspace(-1 / np.log(b1), -1 / np.log(b3), 11), -1 / np.log(b3))
    np.testing.assert_allclose(memories, expected, rtol=1e-9)


@pytest.mark.parametrize(("b1", "b3"), [(0.0, 0.9), (0.9, 0.0), (0.0, 0.0)])
def test_a_decay_of_0_has_no_memory(b1, b3):
    decays = [slow_decay(t, 10, b1, b3) for t in range(11)]
    assert decays == sorted(decays)
    assert decays[10] == b3
    assert max(decays) <= b3


def test_with_an_alpha_of_0_it_is_adamw():
    ademamix, weight = AdEMAMix(0.1, alpha=0.0, wd=0.5), np.array([1.0, -2.0])
    ademamix.update(0, weight, np.array([3.0, -0.01]), ademamix.create_state(0, weight))
    np.testing.assert_allclose(weight, [0.85, -1.8], rtol=1e-6)
