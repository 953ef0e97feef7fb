import inspect

import numpy as np
import pytest
from weightopt_dcasgd import DCASGD

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature_is_the_pages():
    assert str(inspect.signature(DCASGD)) == "(momentum=0.0, lamda=0.04, **kwargs)"
    assert DCASGD().learning_rate == 0.01


BAD = {"momentum": (1, -0.1, None), "lamda": (-0.1, float("inf"), "0.04")}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_values_out_of_range(name, value):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected a number in .*, got "):
        DCASGD(**{name: value})


@each_dtype
def test_state_holds_a_copy_of_the_weight(dtype):
    weight = np.array([[1.0, -2.0]], dtype)
    previous = DCASGD().create_state(0, weight)
    mom, also = DCASGD(0.9).create_state(0, weight)
    for state in (previous, also):
        assert state.dtype == weight.dtype
        np.testing.assert_array_equal(state, weight)
        assert not np.shares_memory(state, weight)
    np.testing.assert_array_equal(mom, 0)


@each_dtype
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_against_element_by_element(momentum, dtype):
    lr, lamda, wd, scale, bound = 0.1, 0.5, 0.01, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(8, 5)).astype(dtype)
    dcasgd = DCASGD(
        momentum, lamda, learning_rate=lr, wd=wd, rescale_grad=scale, clip_gradient=bound
    )
    weight = np.linspace(-1, 1, 5).astype(dtype)
    path = [weight.astype(float).tolist()]
    state = dcasgd.create_state(0, weight)
    for grad in grads:
        dcasgd.update(0, weight, grad, state)
    for i in range(5):
        here = there = path[0][i]
        step = 0.0
        for grad in grads[:, i].tolist():
            g = max(-bound, min(bound, scale * grad))
            step = momentum * step - lr * (g + wd * here + lamda * g * g * (here - there))
            there, here = here, here + step
        assert weight[i] == pytest.approx(here, rel=1e-5, abs=1e-6)
        previous = state[1] if momentum else state
        assert previous[i] == pytest.approx(there, rel=1e-5, abs=1e-6)


def test_a_late_gradient_is_corrected():
    """The weight moves between two gradients, and the second is carried over to where it is."""
    dcasgd = DCASGD(learning_rate=0.5, lamda=1.0)
    weight = np.array([1.0])
    state = dcasgd.create_state(0, weight)
    dcasgd.update(0, weight, np.array([2.0]), state)
    np.testing.assert_array_equal(weight, 0.0)
    dcasgd.update(0, weight, np.array([2.0]), state)
    # 0 - 0.5 * (2 + 2 * 2 * (0 - 1))
    np.testing.assert_array_equal(weight, 1.0)
    np.testing.assert_array_equal(state, 0.0)
