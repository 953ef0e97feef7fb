import inspect

import numpy as np
import pytest
from weightopt_adan import Adan

#: The formula here rounds in another order; what that adds up to in 20 steps.
each_dtype = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-13)], ids=["float32", "float64"]
)


def test_signature():
    assert str(inspect.signature(Adan)) == (
        "(learning_rate=0.001, beta1=0.98, beta2=0.92, beta3=0.99, epsilon=1e-08, **kwargs)"
    )


@each_dtype
def test_equals_the_papers_algorithm_1_with_corrected_means(dtype, rtol):
    eta, b1, b2, b3, epsilon, decay, scale, bound = 0.1, 0.8, 0.7, 0.95, 1e-3, 0.3, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(20, 30))
    adan = Adan(eta, b1, b2, b3, epsilon, wd=decay, rescale_grad=scale, clip_gradient=bound)
    theta = np.linspace(-1, 1, 30)
    weight = theta.astype(dtype)
    state = adan.create_state(0, weight)
    seen = np.clip(scale * grads.astype(dtype).astype(float), -bound, bound)
    changes = np.diff(seen, axis=0, prepend=seen[:1])
    squares = (seen + b2 * changes) ** 2
    for t, grad in enumerate(grads.astype(dtype), start=1):
        adan.update(0, weight, grad, state)
        # The corrected moments are weighted means: the weights are divided by their sum.
        weights = [b ** np.arange(t)[::-1] for b in (b1, b2, b3)]
        m, v, n = (
            np.average(values[:t], axis=0, weights=w)
            for values, w in zip((seen, changes, squares), weights, strict=True)
        )
        theta = (theta - eta * (m + b2 * v) / (np.sqrt(n) + epsilon)) / (1 + decay * eta)
        np.testing.assert_allclose(weight, theta, rtol=rtol, atol=rtol)


def test_the_first_gradient_has_not_changed():
    adan, weight = Adan(), np.zeros(2)
    _, diff, _, previous = state = adan.create_state(0, weight)
    adan.update(0, weight, np.array([2.0, -3.0]), state)
    np.testing.assert_array_equal([diff, previous], [[0, 0], [2, -3]])
    adan.update(0, weight, np.array([2.0, -1.0]), state)
    np.testing.assert_allclose(diff, [0, 0.08 * 2])


def test_a_decay_never_changes_the_sign():
    adan, weight = Adan(1.0, wd=1000.0), np.array([8.0])
    adan.update(0, weight, np.zeros(1), adan.create_state(0, weight))
    np.testing.assert_array_equal(weight, 8 / 1001)
