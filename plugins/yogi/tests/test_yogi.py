import inspect

import numpy as np
import pytest
from weightopt_yogi import Yogi

#: The formula here rounds in another order; what that adds up to in 20 steps.
each_dtype = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-13)], ids=["float32", "float64"]
)


def test_signature():
    assert str(inspect.signature(Yogi)) == (
        "(learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=0.001, "
        "initial_accumulator_value=1e-06, **kwargs)"
    )


@each_dtype
def test_equals_the_papers_algorithm_2_with_corrected_means(dtype, rtol):
    eta, b1, b2, epsilon, start, decay, scale, bound = 0.1, 0.8, 0.9, 1e-3, 0.2, 0.03, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(20, 30))
    yogi = Yogi(
        eta, b1, b2, epsilon, start, wd=decay / eta, rescale_grad=scale, clip_gradient=bound
    )
    x = np.linspace(-1, 1, 30)
    weight = x.astype(dtype)
    state = yogi.create_state(0, weight)
    v, seen, signs = np.full(30, start), [], set()
    for t, grad in enumerate(grads.astype(dtype), start=1):
        yogi.update(0, weight, grad, state)
        seen.append(np.clip(scale * grad.astype(float), -bound, bound))
        mean = np.average(seen, axis=0, weights=b1 ** np.arange(t)[::-1])
        square = seen[-1] ** 2
        v = np.where(v > square, v - (1 - b2) * square, v + (1 - b2) * square)
        signs |= set(np.sign(v - square))
        x = x - eta * mean / (np.sqrt(v / (1 - b2**t)) + epsilon) - decay * x
        np.testing.assert_allclose(weight, x, rtol=rtol, atol=rtol)
    assert signs == {-1.0, 1.0}


def test_the_mean_square_falls_by_the_square_alone():
    """Where Adam's forgets by a factor, and is near 0 soon."""
    yogi, weight = Yogi(0.1, beta2=0.5), np.zeros(1)
    mean, var = yogi.create_state(0, weight)
    var[:] = 8.0
    for _ in range(10):
        yogi.update(0, weight, np.array([0.5]), (mean, var))
    np.testing.assert_array_equal(var, 8.0 - 10 * 0.5 * 0.25)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_mean_square_begins_with_what_is_given(dtype):
    mean, var = Yogi(initial_accumulator_value=0.25).create_state(0, np.ones(2, dtype))
    np.testing.assert_array_equal([mean, var], [[0, 0], [0.25, 0.25]])
    assert var.dtype == dtype
