import inspect

import numpy as np
import pytest
from weightopt_amsgrad import AMSGrad

#: The formula here rounds in another order; what that adds up to in 20 steps.
each_dtype = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 2e-5), (np.float64, 1e-13)], ids=["float32", "float64"]
)


def test_signature():
    assert str(inspect.signature(AMSGrad)) == (
        "(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, **kwargs)"
    )


@each_dtype
def test_equals_the_papers_algorithm_2_with_corrected_means(dtype, rtol):
    alpha, b1, b2, epsilon, wd, scale, bound = 0.1, 0.8, 0.9, 1e-3, 0.01, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(20, 30)) * np.geomspace(2, 0.1, 20)[:, None]
    amsgrad = AMSGrad(alpha, b1, b2, epsilon, wd=wd, rescale_grad=scale, clip_gradient=bound)
    x = np.linspace(-1, 1, 30)
    weight = x.astype(dtype)
    state = amsgrad.create_state(0, weight)
    seen, squares = [], []
    for t, grad in enumerate(grads.astype(dtype), start=1):
        amsgrad.update(0, weight, grad, state)
        seen.append(np.clip(scale * grad.astype(float) + wd * x, -bound, bound))
        ages = np.arange(t)[::-1, None]
        squares.append(((1 - b2) * b2**ages * np.square(seen)).sum(0))
        mean = ((1 - b1) * b1**ages * seen).sum(0) / (1 - b1**t)
        x = x - alpha * mean / (np.sqrt(np.max(squares, axis=0) / (1 - b2**t)) + epsilon)
        np.testing.assert_allclose(weight, x, rtol=rtol, atol=rtol)
    assert (state[2] > state[1]).any()


def test_one_large_gradient_is_remembered():
    amsgrad, weight = AMSGrad(0.1, beta1=0.0, beta2=0.5), np.zeros(1)
    state = amsgrad.create_state(0, weight)
    amsgrad.update(0, weight, np.array([8.0]), state)
    for _ in range(30):
        amsgrad.update(0, weight, np.array([1e-3]), state)
    np.testing.assert_array_equal(state[2], 32.0)
