import inspect

import numpy as np
import pytest
from weightopt_ftrl import Ftrl

import weightopt_core as mx

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature_is_the_pages():
    assert str(inspect.signature(Ftrl)) == "(lamda1=0.01, learning_rate=0.1, beta=1, **kwargs)"


BAD = {"lamda1": (-0.1, None), "learning_rate": (0, -1), "beta": (0, -1)}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_values_out_of_range(name, value):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected a number in .*, got "):
        Ftrl(**{name: value})


@each_dtype
def test_minimises_the_regularized_sum_of_all_gradients(dtype):
    """The definition: w minimises sum(g w) + sum(sigma (w - w_s)^2) / 2 + lamda1 |w| + ..."""
    lamda1, lr, beta, wd, scale, bound = 0.3, 0.5, 0.7, 0.1, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(12, 6))
    ftrl = Ftrl(lamda1, lr, beta, wd=wd, rescale_grad=scale, clip_gradient=bound)
    weight = np.zeros(6, dtype)
    state = ftrl.create_state(0, weight)
    seen, path = np.clip(scale * grads, -bound, bound), []
    zeros = 0
    for t, grad in enumerate(grads, start=1):
        path.append(weight.astype(float))
        ftrl.update(0, weight, grad.astype(dtype), state)
        norms = np.sqrt(np.cumsum(np.vstack([np.zeros(6), seen[:t] ** 2]), axis=0))
        sigma = np.diff(norms, axis=0) / lr
        linear = seen[:t].sum(0) - (sigma * path).sum(0)
        quadratic = sigma.sum(0) + beta / lr + wd
        for i in range(6):
            slope = linear[i] + quadratic[i] * weight[i]
            if weight[i] == 0:
                zeros += 1
                assert abs(slope) <= lamda1 + 1e-6
            else:
                assert slope == pytest.approx(-lamda1 * np.sign(weight[i]), abs=1e-5)
    assert 0 < zeros < 72


def test_small_weights_are_exactly_0():
    ftrl = Ftrl(0.5, 1.0)
    weight = np.full(4, 9.0)
    state = (np.zeros(4), np.full(4, 4.0))
    state[0][:] = [0.25, 0.0, -0.5, -1.5]
    ftrl.update(0, weight, np.zeros(4), state)
    np.testing.assert_array_equal(weight, [0.0, 0.0, 0.0, 1.0 / 3])


def test_a_gradient_that_is_no_number_shows():
    ftrl = Ftrl()
    weight = np.zeros(2)
    ftrl.update(0, weight, np.array([np.nan, 1.0]), ftrl.create_state(0, weight))
    assert np.isnan(weight[0])
    assert weight[1] < 0


def test_the_scheduler_starts_from_the_rate():
    plain = mx.lr_scheduler.create("factor", step=5)
    assert Ftrl(learning_rate=0.3, lr_scheduler=plain).lr_scheduler(1) == 0.3
    assert Ftrl(lr_scheduler=plain).lr_scheduler(1) == 0.1


def test_a_rate_of_0_is_an_error_and_changes_nothing():
    ftrl = Ftrl()
    ftrl.set_lr_mult({7: 0})
    weight = np.ones(2)
    state = ftrl.create_state(7, weight)
    with pytest.raises(ValueError, match="lr of 7: expected a number above 0, got 0"):
        ftrl.update(7, weight, np.ones(2), state)
    np.testing.assert_array_equal(weight, 1)
    np.testing.assert_array_equal(state, 0)
    assert ftrl.num_update == 0
