import inspect

import numpy as np
import pytest
from weightopt_nag import NAG

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature_is_the_pages():
    assert str(inspect.signature(NAG)) == "(**kwargs)"
    nag = NAG(momentum=0.9, multi_precision=False)
    assert (nag.momentum, nag.learning_rate, NAG().momentum) == (0.9, 0.01, 0.0)
    with pytest.raises(TypeError, match="takes 0 positional arguments"):
        NAG(0.9)


@pytest.mark.parametrize("momentum", [-0.1, 1, float("nan"), "0.9", None])
def test_momentum_out_of_range(momentum):
    with pytest.raises((TypeError, ValueError), match=r"^momentum: expected a number in \[0, 1\)"):
        NAG(momentum=momentum)


@each_dtype
def test_without_momentum_by_hand(dtype):
    nag = NAG(learning_rate=0.5, wd=0.25, rescale_grad=0.5, clip_gradient=1.0)
    weight = np.array([1.0, -2.0], dtype)
    state = nag.create_state(0, weight)
    assert state is None
    nag.update(0, weight, np.array([1.0, 8.0], dtype), state)
    # 1 - 0.5 * (0.5 + 0.25), -2 - 0.5 * (1 - 0.5): the decay is not clipped
    np.testing.assert_array_equal(weight, np.array([0.625, -2.25], dtype))


@each_dtype
def test_is_a_gradient_step_at_the_weight_looked_ahead_to(dtype):
    """In Nesterov's own variables: x steps from y along the gradient at y, y leads x."""
    mu, lr, curvature = 0.9, 0.1, np.array([1.0, 3.0, 0.2])
    nag = NAG(momentum=mu, learning_rate=lr)
    weight = np.array([1.0, -1.0, 2.0], dtype)
    state = nag.create_state(0, weight)
    x = y = weight.astype(float)
    for _ in range(10):
        nag.update(0, weight, (curvature * weight).astype(dtype), state)
        following = y - lr * curvature * y
        x, y = following, following + mu * (following - x)
        np.testing.assert_allclose(weight, y, rtol=1e-5, atol=1e-6)


def test_a_change_of_the_rate_acts_on_the_whole_step():
    nag = NAG(momentum=0.5, learning_rate=1.0)
    weight = np.zeros(1)
    state = nag.create_state(0, weight)
    nag.update(0, weight, np.ones(1), state)
    nag.lr = 0.25
    before = weight.copy()
    nag.update(0, weight, np.ones(1), state)
    np.testing.assert_array_equal(state, 1.5)
    np.testing.assert_array_equal(weight - before, -0.25 * (1 + 0.5 * 1.5))
