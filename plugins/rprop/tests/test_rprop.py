import inspect

import numpy as np
import pytest
from weightopt_rprop import Rprop

#: Sizes are in units of the rate, which rounds otherwise than steps themselves.
each_dtype = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-13)], ids=["float32", "float64"]
)


def test_signature():
    assert str(inspect.signature(Rprop)) == (
        "(eta_minus=0.5, eta_plus=1.2, min_step_size=1e-06, max_step_size=50.0, **kwargs)"
    )


@each_dtype
@pytest.mark.parametrize("limits", [(1e-6, 50.0), (0.05, 0.15)])
def test_equals_the_formula_with_steps_themselves(limits, dtype, rtol):
    lr, low, high, wd = 0.1, 0.4, 1.3, 0.02
    rprop = Rprop(low, high, *limits, learning_rate=lr, wd=wd, rescale_grad=0.5)
    grads = np.random.default_rng(0).integers(-2, 4, size=(20, 50)).astype(dtype)
    x = np.linspace(-1, 1, 50)
    weight = x.astype(dtype)
    state = rprop.create_state(0, weight)
    steps, before = np.full(50, lr), np.zeros(50)
    for grad in grads:
        rprop.update(0, weight, grad, state)
        g = grad.astype(float)
        same, turned = g * before > 0, g * before < 0
        steps[same] *= high
        steps[turned] *= low
        steps = np.clip(steps, *limits)
        g[turned] = 0
        x = x - np.sign(g) * steps - lr * wd * x
        before = g
        np.testing.assert_allclose(weight, x, rtol=rtol, atol=rtol)


def test_a_schedule_acts_on_all_steps():
    rprop, weight = Rprop(eta_plus=2.0, learning_rate=1.0), np.zeros(1)
    state = rprop.create_state(0, weight)
    for rate, expected in ((1.0, -1.0), (0.25, -1.5), (0.0, -1.5), (0.25, -2.0)):
        rprop.learning_rate = rate
        rprop.update(0, weight, np.ones(1), state)
        np.testing.assert_array_equal(weight, expected)


def test_a_small_gradient_has_a_sign():
    rprop, weight = Rprop(learning_rate=0.5), np.zeros(1, np.float32)
    state = rprop.create_state(0, weight)
    for _ in range(2):
        rprop.update(0, weight, np.array([1e-30], np.float32), state)
    np.testing.assert_allclose(weight, -0.5 - 0.6, rtol=1e-6)


def test_a_gradient_that_is_no_number_shows():
    rprop, weight = Rprop(), np.zeros(1)
    rprop.update(0, weight, np.array([np.nan]), rprop.create_state(0, weight))
    assert np.isnan(weight[0])
