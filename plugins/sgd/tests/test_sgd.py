import inspect

import numpy as np
import pytest
from weightopt_sgd import SGD, ccSGD

import weightopt_core as mx

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature_is_the_pages():
    assert str(inspect.signature(SGD)) == "(momentum=0.0, multi_precision=False, **kwargs)"
    assert (SGD().learning_rate, SGD(0.9).momentum) == (0.01, 0.9)


@pytest.mark.parametrize("momentum", [-0.1, 1, float("nan"), "0.9", None])
def test_momentum_out_of_range(momentum):
    with pytest.raises((TypeError, ValueError), match=r"^momentum: expected a number in \[0, 1\)"):
        SGD(momentum)


@each_dtype
def test_without_momentum_by_hand(dtype):
    sgd = SGD(learning_rate=0.5, wd=0.25, rescale_grad=0.5, clip_gradient=1.0)
    weight = np.array([1.0, -2.0], dtype)
    state = sgd.create_state(0, weight)
    assert state is None
    sgd.update(0, weight, np.array([1.0, 8.0], dtype), state)
    # 1 - 0.5 * (0.5 + 0.25), -2 - 0.5 * (1 - 0.5): the decay is not clipped
    np.testing.assert_array_equal(weight, np.array([0.625, -2.25], dtype))


@each_dtype
def test_momentum_is_a_decaying_sum_of_all_steps(dtype):
    mu, lr, wd = 0.9, 0.1, 0.01
    grads = np.random.default_rng(0).normal(size=(8, 5))
    sgd = SGD(mu, learning_rate=lr, wd=wd)
    weight = np.linspace(-1, 1, 5).astype(dtype)
    state = sgd.create_state(0, weight)
    before = []
    for t, grad in enumerate(grads):
        before.append(weight.astype(float))
        sgd.update(0, weight, grad.astype(dtype), state)
        step = -lr * sum(mu ** (t - i) * (grads[i] + wd * before[i]) for i in range(t + 1))
        np.testing.assert_allclose(state, step, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(weight, before[-1] + step, rtol=1e-5, atol=1e-6)


def test_ccsgd_is_sgd():
    assert isinstance(mx.optimizer.create("ccsgd", momentum=0.5), SGD)
    assert inspect.signature(ccSGD) == inspect.signature(SGD)
    assert ccSGD(0.9).rule is SGD(0.9).rule
