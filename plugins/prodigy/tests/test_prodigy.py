import math

import numpy as np
import pytest
from weightopt_prodigy import Prodigy

import weightopt_core as wo


def formula(weight, grads, lr=1.0, wd=0.0, d0=1e-6, d_coef=1.0, safeguard_warmup=False):
    """Return the weight after all gradients, and the estimate; for all weights in one array."""
    d, start, r = d0, weight, 0.0
    m = v = s = np.zeros_like(weight)
    for t, grad in enumerate(grads, 1):
        rate = d * lr * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        m = 0.9 * m + 0.1 * d * grad
        v = 0.999 * v + 0.001 * (d * grad) ** 2
        r = math.sqrt(0.999) * r + d / d0 * rate * (grad * (start - weight)).sum()
        s = math.sqrt(0.999) * s + d / d0 * (d if safeguard_warmup else rate) * grad
        d = max(d, d_coef * r / abs(s).sum())
        weight = weight - rate * wd * weight - rate * m / (np.sqrt(v) + d * 1e-8)
    return weight, d


def drawn(size=12):
    """Return a weight, and gradients that mostly point away from a place."""
    rng = np.random.default_rng(0)
    weight, *noise = rng.normal(size=(31, size))
    return weight, [np.sign(weight) + 0.3 * one for one in noise]


@pytest.mark.parametrize(
    "given", [{}, {"lr": 0.5, "wd": 0.1}, {"d0": 1e-3, "d_coef": 2.0, "safeguard_warmup": True}]
)
def test_weights_of_a_list_are_one_model(given):
    weight, grads = drawn()
    expected, d = formula(weight, grads, **given)
    assert d > 2 * given.get("d0", 1e-6)
    optimizer = Prodigy(**{{"lr": "learning_rate"}.get(k, k): v for k, v in given.items()})
    parts = [weight[:5].copy(), weight[5:6].reshape(()).copy(), weight[6:].reshape(2, 3).copy()]
    states = [optimizer.create_state(i, part) for i, part in enumerate(parts)]
    for grad in grads:
        of = [grad[:5], np.asarray(grad[5]), grad[6:].reshape(2, 3)]
        optimizer.update([0, 1, 2], parts, of, states)
    # Sums over elements are in another order, and the estimate repeats what they differ by.
    np.testing.assert_allclose(np.concatenate([*map(np.ravel, parts)]), expected, rtol=1e-10)
    for state in states:
        np.testing.assert_allclose(state[-1], d, rtol=1e-10)


def test_the_order_of_a_list_does_not_matter():
    weight, grads = drawn()
    runs = []
    for order in ([0, 1, 2], [2, 0, 1]):
        optimizer, parts = Prodigy(), np.split(weight.copy(), 3)
        states = [optimizer.create_state(i, part) for i, part in enumerate(parts)]
        for grad in grads:
            of = np.split(grad, 3)
            optimizer.update(order, *([values[i] for i in order] for values in (parts, of, states)))
        runs.append(np.concatenate(parts))
    np.testing.assert_array_equal(*runs)


def test_a_weight_by_itself_is_a_model_of_its_own():
    weight, grads = drawn(4)
    halves = [weight[:2].copy(), weight[2:].copy()]
    optimizer = Prodigy()
    states = [optimizer.create_state(i, half) for i, half in enumerate(halves)]
    for grad in grads:
        for i, part in enumerate((grad[:2], grad[2:])):
            optimizer.update(i, halves[i], part, states[i])
    for i, part in enumerate((slice(2), slice(2, 4))):
        expected, d = formula(weight[part], [grad[part] for grad in grads])
        np.testing.assert_allclose(halves[i], expected, rtol=1e-10)  # sums in another order
        assert states[i][-1] == pytest.approx(d, rel=1e-10)


def test_a_resumed_model_goes_on():
    weight, grads = drawn()
    updaters = [wo.optimizer.get_updater(Prodigy()) for _ in range(2)]
    runs = [np.split(weight.astype(np.float32), 3) for _ in range(2)]

    def step(which, grad):
        updaters[which]([0, 1, 2], np.split(grad.astype(np.float32), 3), runs[which])

    for grad in grads[:15]:
        step(0, grad)
    updaters[1].set_states(updaters[0].get_states())
    for one, other in zip(*runs):
        other[:] = one
    for grad in grads[15:]:
        step(0, grad)
        step(1, grad)
    np.testing.assert_array_equal(*map(np.concatenate, runs))
    assert updaters[0].get_states() == updaters[1].get_states()


def test_gradients_of_zeros_leave_the_estimate():
    optimizer, weight = Prodigy(), np.ones(3)
    state = optimizer.create_state(0, weight)
    optimizer.update(0, weight, np.zeros(3), state)
    assert (weight == 1).all()
    assert state[-1] == 1e-6
