import inspect

import numpy as np
import pytest
from weightopt_signum import Signum, signsgd, signum

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature():
    assert str(inspect.signature(Signum)) == "(momentum=0.9, wd_lh=0.0, **kwargs)"


@each_dtype
@pytest.mark.parametrize("mu", [0.0, 0.8])
def test_equals_the_papers_algorithm_2(mu, dtype):
    """Steps have one length, so that rounding shows in few bits of the weight alone."""
    delta, wd, wd_lh, scale, bound = 0.1, 0.01, 0.02, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(20, 50))
    given = {"wd": wd, "rescale_grad": scale, "clip_gradient": bound}
    optimizer = Signum(mu, wd_lh, learning_rate=delta, **given)
    x = np.linspace(-1, 1, 50)
    weight = x.astype(dtype)
    state = optimizer.create_state(0, weight)
    seen = []
    for t, grad in enumerate(grads.astype(dtype), start=1):
        optimizer.update(0, weight, grad, state)
        g = np.clip(scale * grad.astype(float), -bound, bound)
        seen.append(g + wd * x if mu else g)
        mean = np.average(seen, axis=0, weights=mu ** np.arange(t, dtype=float)[::-1])
        x = x - delta * (np.sign(mean) + (wd_lh if mu else wd + wd_lh) * x)
        np.testing.assert_allclose(weight, x, rtol=0, atol=1e-5 if dtype == np.float32 else 1e-13)


def test_a_step_has_one_length_or_none():
    for momentum in (0.0, 0.9):
        optimizer, weight = Signum(momentum, learning_rate=0.25), np.zeros(4)
        grad = np.array([1e-30, -7.0, 0.0, 1e30])
        optimizer.update(0, weight, grad, optimizer.create_state(0, weight))
        np.testing.assert_array_equal(weight, [-0.25, 0.25, 0.0, -0.25])


def test_without_momentum_there_is_no_state():
    assert Signum(0.0).create_state(0, np.ones(2)) is None
    assert (Signum(0.0).rule, Signum(0.5).rule) == (signsgd, signum)


def test_a_gradient_that_is_no_number_shows():
    """Row 48 of docs/departures.md."""
    for momentum in (0.0, 0.9):
        optimizer, weight = Signum(momentum), np.zeros(1)
        optimizer.update(0, weight, np.array([np.nan]), optimizer.create_state(0, weight))
        assert np.isnan(weight[0])
