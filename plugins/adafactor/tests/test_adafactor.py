import numpy as np
import pytest
from weightopt_adafactor import Adafactor

import weightopt_core as wo


def rms(values):
    return np.sqrt(np.mean(values**2))


def formula(weight, grads, lr=0.01, beta1=0.0, relative=True, wd=0.0, threshold=1.0):
    """Return the weight after all gradients, with the sums of matrices in whole ones."""
    squares, mean = np.zeros_like(weight), np.zeros_like(weight)
    rows, columns = 0.0, 0.0
    for t, grad in enumerate(grads, 1):
        beta = 1 - t**-0.8
        squares = beta * squares + (1 - beta) * (grad**2 + 1e-30)
        estimate = squares
        if weight.ndim > 1:
            rows = beta * rows + (1 - beta) * np.mean(grad**2 + 1e-30, -1, keepdims=True)
            columns = beta * columns + (1 - beta) * np.mean(grad**2 + 1e-30, -2, keepdims=True)
            estimate = rows * columns / rows.mean(-2, keepdims=True)
        step = grad / np.sqrt(estimate)
        step = step / max(1.0, rms(step) / threshold)
        mean = beta1 * mean + (1 - beta1) * step
        scale = max(1e-3, rms(weight)) * min(lr, t**-0.5) if relative else lr
        weight = weight * (1 - lr * wd) - scale * mean
    return weight


@pytest.mark.parametrize("shape", [(5,), (4, 6), (2, 3, 5)])
@pytest.mark.parametrize(
    "given",
    [{}, {"beta1": 0.9, "wd": 0.1}, {"relative": False, "threshold": 0.5}, {"lr": 0.5}],
)
def test_it_is_the_formula(shape, given):
    rng = np.random.default_rng(0)
    weight, *grads = rng.normal(size=(21, *shape))
    expected = formula(weight, grads, **given)
    named = {{"lr": "learning_rate"}.get(name, name): value for name, value in given.items()}
    optimizer = Adafactor(**named)
    state = optimizer.create_state(0, weight)
    for grad in grads:
        optimizer.update(0, weight, grad, state)
    # Sums and products are in another order.
    np.testing.assert_allclose(weight, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("beta1", "shape", "shapes"),
    [
        (0.0, (7,), [(7,)]),
        (0.0, (), [()]),
        (0.0, (20, 30), [(20,), (30,)]),
        (0.5, (2, 20, 30), [(2, 20, 30), (2, 20), (2, 30)]),
    ],
)
def test_its_states(beta1, shape, shapes):
    state = Adafactor(beta1=beta1).create_state(0, np.ones(shape, np.float16))
    arrays = state if isinstance(state, tuple) else (state,)
    assert [one.shape for one in arrays] == shapes
    assert {one.dtype for one in arrays} == {np.dtype(np.float32)}


def test_a_mean_is_kept_by_all_weights_or_by_none():
    optimizer, weight = Adafactor(), np.ones((2, 3))
    optimizer.set_for("*", beta1=0.5)
    with pytest.raises(ValueError, match="beta1: expected 0 of all weights"):
        optimizer.update(0, weight, np.ones((2, 3)), optimizer.create_state(0, weight))
    assert optimizer.num_update == 0


def test_gradients_of_zeros_are_no_step():
    optimizer, weight = Adafactor(), np.ones((2, 3), np.float32)
    optimizer.update(0, weight, np.zeros((2, 3), np.float32), optimizer.create_state(0, weight))
    assert (weight == 1).all()


def test_a_column_of_zeros_beside_large_and_small_rows():
    optimizer, weight = Adafactor(), np.ones((2, 3), np.float32)
    grad = np.array([[1e-12, 0, 1e-12], [1, 0, 1]], np.float32)
    optimizer.update(0, weight, grad, optimizer.create_state(0, weight))
    assert np.isfinite(weight).all()
    assert (weight[:, 1] == 1).all()


def test_means_of_rows_are_saved_and_resumed():
    weights = [np.ones((3, 4), np.float32) for _ in range(2)]
    updaters = [wo.optimizer.get_updater(Adafactor(beta1=0.5)) for _ in range(2)]
    grads = np.random.default_rng(0).normal(size=(4, 3, 4)).astype(np.float32)
    for grad in grads[:2]:
        updaters[0](0, grad, weights[0])
    updaters[1].set_states(updaters[0].get_states())
    weights[1][:] = weights[0]
    for grad in grads[2:]:
        for updater, weight in zip(updaters, weights):
            updater(0, grad, weight)
    np.testing.assert_array_equal(*weights)
