import inspect

import numpy as np
import pytest
from weightopt_lamb import LAMB

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
BOUNDS = [(None, None), (0.5, None), (None, 2.0), (2.0, 3.0), (30.0, None)]


def test_signature():
    assert str(inspect.signature(LAMB)) == (
        "(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-06, lower_bound=None, "
        "upper_bound=None, bias_correction=True, **kwargs)"
    )


def papers_algorithm_2(x, grads, eta, b1, b2, epsilon, decay, phi, corrected):
    """Return the parameters after each step, with the moments as weighted means."""
    for t in range(1, len(grads) + 1):
        weights = [(1 - b) * b ** np.arange(t)[::-1] for b in (b1, b2)]
        if corrected:
            weights = [w / w.sum() for w in weights]
        m, v = (np.tensordot(w, grads[:t] ** k, 1) for k, w in enumerate(weights, start=1))
        r = m / (np.sqrt(v) + epsilon) + decay * x
        x = x - eta * phi(np.sqrt((x * x).sum())) / np.sqrt((r * r).sum()) * r
        yield x


@each_dtype
@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("corrected", [True, False])
def test_equals_the_papers_algorithm_2(bounds, corrected, dtype):
    low, high = (np.nan if bound is None else bound for bound in bounds)
    seen = np.random.default_rng(0).normal(size=(10, 4, 5))
    given = 0.1, 0.8, 0.95, 1e-3
    lamb = LAMB(*given, *bounds, corrected, wd=0.03, rescale_grad=0.5, clip_gradient=0.6)
    start = np.linspace(-1, 1, 20).reshape(4, 5)
    grads = np.clip(0.5 * seen, -0.6, 0.6)
    # fmin and fmax take no notice of NaN, which stands for no bound.
    phi = lambda x: np.fmin(np.fmax(x, low), high)  # noqa: E731
    expected = papers_algorithm_2(start, grads, *given, 0.03, phi, corrected)
    weight = start.astype(dtype)
    state = lamb.create_state(0, weight)
    for grad, x in zip(seen, expected, strict=True):
        lamb.update(0, weight, grad.astype(dtype), state)
        np.testing.assert_allclose(weight, x, rtol=1e-5, atol=1e-6)


def test_the_relative_length_of_a_step_is_the_learning_rate():
    rng = np.random.default_rng(1)
    weight = rng.normal(size=(3, 70_000))
    for scale in (1e-3, 1.0, 1e3):
        lamb, moved = LAMB(0.01), scale * weight
        lamb.update(0, moved, rng.normal(size=weight.shape), lamb.create_state(0, moved))
        change = np.linalg.norm(moved - scale * weight) / np.linalg.norm(scale * weight)
        assert change == pytest.approx(0.01, rel=1e-12)


@pytest.mark.parametrize(("start", "grad"), [(0.0, 2.0), (3.0, 0.0), (0.0, 0.0)])
def test_without_a_norm_the_step_is_adams(start, grad):
    lamb, weight = LAMB(0.25), np.full(4, start)
    lamb.update(0, weight, np.full(4, grad), lamb.create_state(0, weight))
    np.testing.assert_allclose(weight, start - 0.25 * np.sign(grad), rtol=1e-6)


def test_a_lower_bound_moves_a_weight_of_zeros():
    lamb, weight = LAMB(0.25, lower_bound=2.0), np.zeros(4)
    lamb.update(0, weight, np.ones(4), lamb.create_state(0, weight))
    np.testing.assert_allclose(np.linalg.norm(weight), 0.25 * 2.0)


def test_each_array_has_norms_of_its_own():
    lamb = LAMB(0.1)
    weights = [np.full(4, 1.0), np.full(4, 100.0)]
    states = [lamb.create_state(i, weight) for i, weight in enumerate(weights)]
    lamb.update([0, 1], weights, [np.ones(4), np.ones(4)], states)
    np.testing.assert_allclose(weights, [np.full(4, 0.9), np.full(4, 90.0)])


def test_its_rule_takes_two_norms_after_one_pass():
    assert LAMB.rule.lowered.reduced == ["norm(weight)", "norm(step)"]
    assert len(LAMB.rule.lowered.measured) == 1
