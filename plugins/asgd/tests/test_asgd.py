import inspect

import numpy as np
import pytest
from weightopt_asgd import ASGD

#: The formula here rounds in another order; what that adds up to in 20 steps.
each_dtype = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-13)], ids=["float32", "float64"]
)


def test_signature():
    assert str(inspect.signature(ASGD)) == "(lamda=0.0001, alpha=0.75, t0=1000000.0, **kwargs)"


@each_dtype
@pytest.mark.parametrize("t0", [0, 5, 6.5, 1e6])
def test_the_average_is_that_of_the_weights_after_t0(t0, dtype, rtol):
    lr, lamda, alpha, wd, scale, bound = 0.1, 0.05, 0.6, 0.01, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(20, 30))
    given = {"learning_rate": lr, "wd": wd, "rescale_grad": scale, "clip_gradient": bound}
    asgd = ASGD(lamda, alpha, t0, **given)
    w = average = np.linspace(-1, 1, 30)
    weight = w.astype(dtype)
    state = asgd.create_state(0, weight)
    for t, grad in enumerate(grads.astype(dtype)):
        asgd.update(0, weight, grad, state)
        eta = lr * (1 + lamda * lr * t) ** -alpha
        g = np.clip(scale * grad.astype(float), -bound, bound) + (wd + lamda) * w
        w = w - eta * g
        average = average + (w - average) / max(1, t - t0)
        np.testing.assert_allclose(weight, w, rtol=rtol, atol=rtol)
        np.testing.assert_allclose(state, average, rtol=rtol, atol=rtol)


def test_before_t0_the_average_is_the_weight():
    asgd, weight = ASGD(), np.linspace(-1, 1, 7)
    state = asgd.create_state(0, weight)
    for _ in range(3):
        asgd.update(0, weight, np.ones(7), state)
        np.testing.assert_array_equal(state, weight)
