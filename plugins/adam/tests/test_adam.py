import inspect

import numpy as np
import pytest
from weightopt_adam import Adam

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature_is_the_pages():
    assert str(inspect.signature(Adam)) == (
        "(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, **kwargs)"
    )


BAD = {"learning_rate": (-1, None), "beta1": (1, -0.1), "beta2": (1, -0.1), "epsilon": (0, -1)}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_values_out_of_range(name, value):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected a number in .*, got "):
        Adam(**{name: value})


@each_dtype
def test_first_step_has_the_length_of_the_rate(dtype):
    adam = Adam(0.25)
    weight = np.zeros(3, dtype)
    adam.update(0, weight, np.array([1e-3, -5.0, 0.0], dtype), adam.create_state(0, weight))
    np.testing.assert_allclose(weight, [-0.25, 0.25, 0.0], rtol=1e-3)


@each_dtype
def test_moments_are_weighted_sums_of_all_gradients(dtype):
    lr, b1, b2, epsilon, wd, scale, bound = 0.1, 0.8, 0.95, 1e-3, 0.01, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(8, 5))
    adam = Adam(lr, b1, b2, epsilon, wd=wd, rescale_grad=scale, clip_gradient=bound)
    weight = np.linspace(-1, 1, 5).astype(dtype)
    state = adam.create_state(0, weight)
    seen = []
    for t, grad in enumerate(grads, start=1):
        before = weight.astype(float)
        seen.append(np.clip(scale * grad + wd * before, -bound, bound))
        adam.update(0, weight, grad.astype(dtype), state)
        mean = sum((1 - b1) * b1 ** (t - i) * g for i, g in enumerate(seen, start=1))
        var = sum((1 - b2) * b2 ** (t - i) * g * g for i, g in enumerate(seen, start=1))
        bias = np.sqrt(1 - b2**t) / (1 - b1**t)
        expected = before - lr * bias * mean / (np.sqrt(var) + epsilon)
        np.testing.assert_allclose(weight, expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(state, (mean, var), rtol=1e-5, atol=1e-6)


def test_the_decay_is_clipped_with_the_gradient():
    adam = Adam(0.1, beta1=0, beta2=0, wd=10, clip_gradient=0.5)
    weight = np.array([1.0])
    mean, _ = state = adam.create_state(0, weight)
    adam.update(0, weight, np.array([0.1]), state)
    np.testing.assert_array_equal(mean, 0.5)
