import inspect

import numpy as np
import pytest
from weightopt_radam import RAdam

#: The formula here rounds in another order; what that adds up to in 20 steps.
each_dtype = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-13)], ids=["float32", "float64"]
)


def test_signature():
    assert str(inspect.signature(RAdam)) == (
        "(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, **kwargs)"
    )


@each_dtype
@pytest.mark.parametrize("b2", [0.0, 0.6, 0.8, 0.99])
def test_equals_the_papers_algorithm_2(b2, dtype, rtol):
    alpha, b1, epsilon, wd, scale, bound = 0.1, 0.8, 1e-3, 0.01, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(20, 30))
    radam = RAdam(alpha, b1, b2, epsilon, wd=wd, rescale_grad=scale, clip_gradient=bound)
    theta = np.linspace(-1, 1, 30)
    weight = theta.astype(dtype)
    state = radam.create_state(0, weight)
    seen, adaptive = [], 0
    for t, grad in enumerate(grads.astype(dtype), start=1):
        radam.update(0, weight, grad, state)
        seen.append(np.clip(scale * grad.astype(float), -bound, bound) + wd * theta)
        weights = b1 ** np.arange(t)[::-1], b2 ** np.arange(t)[::-1]
        # The corrected moments are weighted means: the weights are divided by their sum.
        step = np.average(seen, axis=0, weights=weights[0])
        # The paper's equation of the length of the simple moving average, before it is simplified.
        most = 2 / (1 - b2) - 1
        length = most - 2 * t * b2**t / (1 - b2**t)
        if length > 5:
            adaptive += 1
            square = np.average(np.square(seen), axis=0, weights=weights[1])
            variance = most / (most - 2) / (most - 4), length / (length - 2) / (length - 4)
            step *= np.sqrt(variance[0] / variance[1]) / (np.sqrt(square) + epsilon)
        theta = theta - alpha * step
        np.testing.assert_allclose(weight, theta, rtol=rtol, atol=rtol)
    assert 20 - adaptive == {0.0: 20, 0.6: 20, 0.8: 6, 0.99: 5}[b2]


def test_the_first_steps_have_the_length_of_the_gradients():
    radam, weight = RAdam(0.5), np.zeros(2)
    radam.update(0, weight, np.array([1e-3, -8.0]), radam.create_state(0, weight))
    np.testing.assert_allclose(weight, [-5e-4, 4.0])


def test_in_the_long_run_it_is_adam():
    radam, weight = RAdam(1e-3), np.zeros(2)
    state = radam.create_state(0, weight)
    radam._index_update_count = {0: 10**6}
    state[0][:], state[1][:] = 3.0, 16.0
    radam.update(0, weight, np.array([3.0, 3.0]), state)
    np.testing.assert_allclose(weight, -1e-3 * 3 / np.sqrt(0.999 * 16 + 0.001 * 9), rtol=1e-8)
