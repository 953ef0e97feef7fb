import inspect

import numpy as np
import pytest
from weightopt_rmsprop import RMSProp, rmsprop_centered

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature_is_the_pages():
    assert str(inspect.signature(RMSProp)) == (
        "(learning_rate=0.001, gamma1=0.9, gamma2=0.9, epsilon=1e-08, centered=False, "
        "clip_weights=None, **kwargs)"
    )


BAD = {
    "learning_rate": (-1,),
    "gamma1": (1, -0.1),
    "gamma2": (1, -0.1),
    "epsilon": (0, -1),
    "centered": (1.0, "no", None),
    "clip_weights": (0, -1, "1"),
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_values_out_of_range(name, value):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected .*, got "):
        RMSProp(**{name: value})


def test_states():
    assert isinstance(RMSProp().create_state(0, np.ones(2)), np.ndarray)
    assert len(RMSProp(centered=True).create_state(0, np.ones(2))) == 3


@each_dtype
@pytest.mark.parametrize("centered", [False, True])
def test_averages_are_weighted_sums_of_all_gradients(centered, dtype):
    lr, g1, g2, epsilon, wd, scale, bound, limit = 0.1, 0.8, 0.7, 1e-3, 0.01, 0.5, 0.6, 0.9
    g2 *= centered
    grads = np.random.default_rng(0).normal(size=(8, 5))
    rmsprop = RMSProp(
        lr, g1, g2, epsilon, centered, limit, wd=wd, rescale_grad=scale, clip_gradient=bound
    )
    weight = np.linspace(-1, 1, 5).astype(dtype)
    state = rmsprop.create_state(0, weight)
    seen, delta = [], 0.0
    for t, grad in enumerate(grads):
        before = weight.astype(float)
        seen.append(np.clip(scale * grad + wd * before, -bound, bound))
        rmsprop.update(0, weight, grad.astype(dtype), state)
        shares = (1 - g1) * g1 ** np.arange(t, -1, -1.0)[:, None]
        variance = (shares * np.square(seen)).sum(0)
        if centered:
            variance -= (shares * seen).sum(0) ** 2
        delta = (g2 * delta if centered else 0.0) - lr * seen[-1] * (variance + epsilon) ** -0.5
        expected = np.minimum(np.maximum(before + delta, -limit), limit)
        np.testing.assert_allclose(weight, expected, rtol=1e-5, atol=2e-6)


def test_weights_are_clipped_after_the_step():
    rmsprop = RMSProp(0.5, gamma1=0.0, clip_weights=0.75)
    weight = np.array([1.0, -3.0, 0.5])
    rmsprop.update(0, weight, np.array([2.0, -1.0, 1.0]), rmsprop.create_state(0, weight))
    np.testing.assert_allclose(weight, [0.5, -0.75, 0.0], atol=1e-8)


def test_gamma2_counts_only_when_centered():
    def moved(**given):
        rmsprop, weight = RMSProp(0.1, **given), np.ones(1)
        state = rmsprop.create_state(0, weight)
        for _ in range(2):
            rmsprop.update(0, weight, np.ones(1), state)
        return float(weight[0])

    assert moved() == moved(gamma2=0.0)
    assert moved(centered=True) == moved(gamma2=0.9, centered=True)
    assert moved(centered=True) != moved(gamma2=0.0, centered=True)


def test_a_variance_that_rounds_below_0_is_0():
    """A steady gradient: the mean square minus the squared mean is rounding alone."""
    grad, epsilon = np.float32(0.1), 1e-12
    square, mean = np.float32([0.0099999]), np.float32([0.1])
    numbers = {"lr": 1.0, "wd": 0.0, "rescale_grad": 1.0, "clip_gradient": None, "gamma1": 1.0}
    numbers |= {"gamma2": 0.0, "epsilon": epsilon, "clip_weights": None}
    weight, *_ = rmsprop_centered(
        np.float32([0.0]), np.float32([grad]), square, mean, np.float32([0.0]), **numbers
    )
    np.testing.assert_allclose(weight, -grad / np.sqrt(epsilon), rtol=1e-6)


def test_a_momentum_that_the_form_does_not_have_is_an_error():
    text = r"^gamma2: expected centered=True beside it, got 0.5 without; set centered=True"
    with pytest.raises(ValueError, match=text):
        RMSProp(gamma2=0.5)
    rmsprop = RMSProp()
    with pytest.raises(ValueError, match=text):
        rmsprop.gamma2 = 0.5
    assert repr(rmsprop) == "RMSProp()"
    rmsprop = RMSProp(gamma2=0.5, centered=True)
    with pytest.raises(ValueError, match=text):
        rmsprop.centered = False
    assert rmsprop.centered
    rmsprop.gamma2 = 0.25
    assert rmsprop.gamma2 == 0.25
