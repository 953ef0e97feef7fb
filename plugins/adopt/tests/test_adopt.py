import inspect

import numpy as np
import pytest
from weightopt_adopt import ADOPT

#: The formula here rounds in another order; what that adds up to in 20 steps.
each_dtype = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-13)], ids=["float32", "float64"]
)


def test_signature():
    assert str(inspect.signature(ADOPT)) == (
        "(learning_rate=0.001, beta1=0.9, beta2=0.9999, epsilon=1e-06, use_clipping=True, **kwargs)"
    )


@each_dtype
@pytest.mark.parametrize("clipped", [True, False])
def test_equals_the_papers_algorithm_2(clipped, dtype, rtol):
    alpha, b1, b2, epsilon, decay, scale, bound = 0.1, 0.8, 0.9, 0.1, 0.03, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(20, 30))
    given = {"wd": decay / alpha, "rescale_grad": scale, "clip_gradient": bound}
    adopt = ADOPT(alpha, b1, b2, epsilon, clipped, **given)
    theta = np.linspace(-1, 1, 30)
    weight = theta.astype(dtype)
    state = adopt.create_state(0, weight)
    seen = np.clip(scale * grads.astype(dtype).astype(float), -bound, bound)
    adopt.update(0, weight, grads[0].astype(dtype), state)
    np.testing.assert_array_equal(weight, theta.astype(dtype))
    m, v, longest = 0.0, seen[0] ** 2, 0.0
    for t, g in enumerate(seen[1:], start=1):
        adopt.update(0, weight, grads[t].astype(dtype), state)
        unit = g / np.maximum(np.sqrt(v), epsilon)
        longest = max(longest, abs(unit).max() / t**0.25)
        if clipped:
            unit = np.clip(unit, -(t**0.25), t**0.25)
        m = b1 * m + (1 - b1) * unit
        theta = theta - alpha * m - decay * theta
        v = b2 * v + (1 - b2) * g * g
        np.testing.assert_allclose(weight, theta, rtol=rtol, atol=rtol)
    assert longest > 1


@pytest.mark.parametrize("clipped", [True, False])
def test_a_large_first_gradient_only_begins_the_mean_square(clipped):
    adopt, weight = ADOPT(use_clipping=clipped, wd=0.5), np.array([1.0, 2.0], np.float32)
    state = adopt.create_state(0, weight)
    adopt.update(0, weight, np.array([1e18, -1e-30], np.float32), state)
    np.testing.assert_array_equal(weight, [1, 2])
    np.testing.assert_array_equal(state[0], 0)
    np.testing.assert_allclose(state[1], [1e36, 0], rtol=1e-6)


def test_the_present_gradient_does_not_divide_itself():
    adopt, weight = ADOPT(1.0, beta1=0.0, use_clipping=False), np.zeros(1)
    state = adopt.create_state(0, weight)
    for grad in (2.0, 12.0):
        adopt.update(0, weight, np.array([grad]), state)
    np.testing.assert_array_equal(weight, -12 / 2)
