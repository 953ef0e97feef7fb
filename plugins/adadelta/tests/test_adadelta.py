import inspect

import numpy as np
import pytest
from weightopt_adadelta import AdaDelta

import weightopt_core as mx

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature_is_the_pages():
    assert str(inspect.signature(AdaDelta)) == "(rho=0.9, epsilon=1e-05, **kwargs)"
    assert AdaDelta().learning_rate == 1.0


BAD = {"rho": (1, -0.1), "epsilon": (0, -1), "learning_rate": (-1, None)}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_values_out_of_range(name, value):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected a number in .*, got "):
        AdaDelta(**{name: value})


@each_dtype
def test_against_element_by_element(dtype):
    lr, rho, epsilon, wd, scale, bound = 0.5, 0.8, 1e-3, 0.01, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(8, 5)).astype(dtype)
    adadelta = AdaDelta(
        rho, epsilon, learning_rate=lr, wd=wd, rescale_grad=scale, clip_gradient=bound
    )
    weight = np.linspace(-1, 1, 5).astype(dtype)
    expected = weight.tolist()
    state = adadelta.create_state(0, weight)
    for grad in grads:
        adadelta.update(0, weight, grad, state)
    for i in range(5):
        mean_grad = mean_step = 0.0
        for grad in grads[:, i].tolist():
            g = max(-bound, min(bound, scale * grad))
            mean_grad += (1 - rho) * (g * g - mean_grad)
            step = g * ((mean_step + epsilon) / (mean_grad + epsilon)) ** 0.5
            mean_step += (1 - rho) * (step * step - mean_step)
            expected[i] -= lr * step + lr * wd * expected[i]
        assert weight[i] == pytest.approx(expected[i], rel=1e-5, abs=1e-6)


def test_the_scale_of_the_loss_does_not_matter():
    weights = []
    for scale in (1.0, 1000.0):
        adadelta = AdaDelta(epsilon=1e-5)
        weight = np.ones(1)
        state = adadelta.create_state(0, weight)
        for _ in range(20):
            adadelta.update(0, weight, scale * 10 * weight, state)
        weights.append(float(weight[0]))
    assert weights[0] == pytest.approx(weights[1], rel=1e-4)


def moved(**given):
    multiplier = given.pop("multiplier", None)
    adadelta = AdaDelta(wd=0.1, **given)
    if multiplier is not None:
        adadelta.set_lr_mult({0: multiplier})
    weight = np.ones(1)
    state = adadelta.create_state(0, weight)
    path = [1.0]
    for _ in range(3):
        adadelta.update(0, weight, np.ones(1), state)
        path.append(float(weight[0]))
    return np.diff(path)


def test_the_rate_acts_on_the_step():
    whole = moved()
    np.testing.assert_allclose(moved(learning_rate=0.5)[0], whole[0] / 2)
    np.testing.assert_allclose(moved(multiplier=0.5)[0], whole[0] / 2)
    np.testing.assert_array_equal(moved(multiplier=0.0), 0)


def test_the_scheduler_acts_on_the_step():
    class Once(mx.LRScheduler):
        def __call__(self, num_update):
            return self.base_lr if num_update == 1 else 0.0

    path = moved(lr_scheduler=Once())
    assert path[0] == moved()[0]
    np.testing.assert_array_equal(path[1:], 0)
