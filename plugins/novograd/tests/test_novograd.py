import inspect

import numpy as np
import pytest
from weightopt_novograd import NovoGrad

#: The formula here rounds in another order; what that adds up to in 20 steps.
each_dtype = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-13)], ids=["float32", "float64"]
)


def test_signature():
    assert str(inspect.signature(NovoGrad)) == ("(beta1=0.95, beta2=0.98, epsilon=1e-08, **kwargs)")


@each_dtype
def test_equals_the_papers_algorithm_1(dtype, rtol):
    rate, b1, b2, epsilon, d, scale, bound = 0.1, 0.8, 0.9, 1e-3, 0.01, 0.5, 0.6
    grads = (
        np.random.default_rng(0).normal(size=(20, 4, 5)) * np.geomspace(0.1, 3, 20)[:, None, None]
    )
    given = {"learning_rate": rate, "wd": d, "rescale_grad": scale, "clip_gradient": bound}
    novograd = NovoGrad(b1, b2, epsilon, **given)
    w = np.linspace(-1, 1, 20).reshape(4, 5)
    weight = w.astype(dtype)
    state = novograd.create_state(0, weight)
    v = m = None
    for grad in grads.astype(dtype):
        novograd.update(0, weight, grad, state)
        g = np.clip(scale * grad.astype(float), -bound, bound)
        square = np.square(g).sum()
        v = square if v is None else b2 * v + (1 - b2) * square
        scaled = g / (np.sqrt(v) + epsilon) + d * w
        m = scaled if m is None else b1 * m + scaled
        w = w - rate * m
        np.testing.assert_allclose(weight, w, rtol=rtol, atol=rtol)
        np.testing.assert_allclose(state[1], v, rtol=rtol)


def test_the_second_moment_is_one_number():
    novograd, weight = NovoGrad(), np.linspace(-1, 1, 30_000, dtype=np.float32)
    state = novograd.create_state(0, weight)
    for _ in range(3):
        novograd.update(0, weight, weight.copy(), state)
    assert np.unique(state[1]).size == 1


def test_without_any_gradient_the_weight_stays():
    novograd, weight = NovoGrad(), np.ones(3)
    novograd.update(0, weight, np.zeros(3), novograd.create_state(0, weight))
    np.testing.assert_array_equal(weight, 1)
