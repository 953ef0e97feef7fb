import inspect

import numpy as np
import pytest
from weightopt_ftml import FTML

#: The formula here rounds in another order; what that adds up to in 20 steps.
each_dtype = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 1e-4), (np.float64, 1e-12)], ids=["float32", "float64"]
)


def test_signature():
    assert str(inspect.signature(FTML)) == (
        "(learning_rate=0.0025, beta1=0.6, beta2=0.999, epsilon=1e-08, **kwargs)"
    )


@each_dtype
def test_minimises_the_papers_sum_of_quadratics(dtype, rtol):
    """The paper's equation 8, whose sums over all updates the recursion computes."""
    eta, b1, b2, epsilon, wd, scale, bound = 0.1, 0.7, 0.95, 1e-3, 0.01, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(20, 30))
    ftml = FTML(eta, b1, b2, epsilon, wd=wd, rescale_grad=scale, clip_gradient=bound)
    theta = np.linspace(-1, 1, 30)
    weight = theta.astype(dtype)
    state = ftml.create_state(0, weight)
    seen, before, curvatures, centres = [], 0.0, [], []
    for t, grad in enumerate(grads.astype(dtype), start=1):
        ftml.update(0, weight, grad, state)
        seen.append(np.clip(scale * grad.astype(float) + wd * theta, -bound, bound))
        ages = np.arange(t)[::-1, None]
        square = ((1 - b2) * b2**ages * np.square(seen)).sum(0) / (1 - b2**t)
        d = (1 - b1**t) / eta * (np.sqrt(square) + epsilon)
        curvatures.append((d - b1 * before) / (1 - b1))
        centres.append(theta)
        before = d
        shares = (1 - b1) * b1**ages
        pulls = np.array(curvatures) * centres - seen
        theta = (shares * pulls).sum(0) / (shares * curvatures).sum(0)
        np.testing.assert_allclose(weight, theta, rtol=rtol, atol=rtol)


def test_a_learning_rate_of_0_is_an_error():
    """Row 48 of docs/departures.md."""
    ftml, weight = FTML(), np.ones(2)
    ftml.set_lr_mult({7: 0.0})
    state = ftml.create_state(7, weight)
    with pytest.raises(ValueError, match="lr of 7: expected a number above 0, got 0"):
        ftml.update(7, weight, np.ones(2), state)
    np.testing.assert_array_equal([weight, *state], [[1, 1], [0, 0], [0, 0], [0, 0]])
    assert ftml.num_update == 0
