import inspect

import numpy as np
import pytest
from weightopt_adamax import Adamax

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature_is_the_pages():
    assert str(inspect.signature(Adamax)) == (
        "(learning_rate=0.002, beta1=0.9, beta2=0.999, **kwargs)"
    )


BAD = {"learning_rate": (-1, None), "beta1": (1, -0.1), "beta2": (1, -0.1)}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_values_out_of_range(name, value):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected a number in .*, got "):
        Adamax(**{name: value})


@each_dtype
def test_norm_is_the_largest_decayed_gradient(dtype):
    lr, b1, b2, wd, scale, bound = 0.1, 0.8, 0.9, 0.01, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(8, 5))
    adamax = Adamax(lr, b1, b2, wd=wd, rescale_grad=scale, clip_gradient=bound)
    weight = np.linspace(-1, 1, 5).astype(dtype)
    state = adamax.create_state(0, weight)
    seen = []
    for t, grad in enumerate(grads, start=1):
        before = weight.astype(float)
        seen.append(np.clip(scale * grad + wd * before, -bound, bound))
        adamax.update(0, weight, grad.astype(dtype), state)
        ages = np.arange(t - 1, -1, -1.0)[:, None]
        mean = ((1 - b1) * b1**ages * seen).sum(0) / (1 - b1**t)
        norm = (b2**ages * np.abs(seen)).max(0)
        np.testing.assert_allclose(weight, before - lr * mean / norm, rtol=1e-5, atol=1e-6)


@each_dtype
def test_an_element_without_gradient_stays(dtype):
    adamax = Adamax(0.5)
    weight = np.array([3.0, 3.0, -0.0], dtype)
    state = adamax.create_state(0, weight)
    for _ in range(3):
        adamax.update(0, weight, np.array([0.0, 1.0, -0.0], dtype), state)
    np.testing.assert_array_equal(weight, [3.0, 1.5, 0.0])
    assert np.signbit(weight[2])
    adamax.update(0, weight, np.array([2.0, 1.0, 0.0], dtype), state)
    assert weight[0] < 3.0


def test_a_gradient_that_is_no_number_shows():
    adamax = Adamax()
    weight = np.zeros(1)
    adamax.update(0, weight, np.array([np.nan]), adamax.create_state(0, weight))
    assert np.isnan(weight[0])
