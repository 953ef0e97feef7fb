import numpy as np
import pytest
from weightopt_muon import Muon, orthogonalised

import weightopt_core as wo


def formula(weight, grads, lr=0.001, momentum=0.95, nesterov=True, wd=0.1, steps=5, rms=False):
    """Return the weight after all gradients, by singular values instead of products."""
    mean = np.zeros_like(weight)
    rows, columns = weight.shape
    scale = 0.2 * np.sqrt(max(rows, columns)) if rms else np.sqrt(max(1, rows / columns))
    for grad in grads:
        mean = momentum * mean + (1 - momentum) * grad
        step = momentum * mean + (1 - momentum) * grad if nesterov else mean
        left, values, right = np.linalg.svd(step, full_matrices=False)
        values = values / np.sqrt((values**2).sum())
        for _ in range(steps):
            values = 3.4445 * values - 4.775 * values**3 + 2.0315 * values**5
        weight = weight * (1 - lr * wd) - lr * scale * (left * values) @ right
    return weight


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (4, 1)])
@pytest.mark.parametrize(
    "given", [{}, {"nesterov": False, "momentum": 0.5}, {"steps": 3, "wd": 0, "rms": True}]
)
def test_it_is_the_formula(shape, given):
    rng = np.random.default_rng(0)
    weight, *grads = rng.normal(size=(21, *shape))
    expected = formula(weight, grads, **given)
    named = {"adjust_lr": "match_rms_adamw" if given.get("rms") else "original"}
    optimizer = Muon(**named, **{k: v for k, v in given.items() if k != "rms"})
    state = optimizer.create_state(0, weight)
    for grad in grads:
        optimizer.update(0, weight, grad, state)
    # Products of matrices and singular values round in another order.
    np.testing.assert_allclose(weight, expected, rtol=1e-11, atol=1e-13)


def test_singular_values_come_near_to_1():
    matrix = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32)
    values = np.linalg.svd(orthogonalised(matrix), compute_uv=False)
    assert values.min() > 0.5
    assert values.max() < 1.5
    assert orthogonalised(matrix).dtype == np.float32


def test_the_kernels_of_a_convolution_are_a_matrix():
    rng = np.random.default_rng(0)
    weight, grad = rng.normal(size=(2, 6, 4, 3, 3))
    flat = weight.reshape(6, 36).copy()
    for one, of in ((weight, grad), (flat, grad.reshape(6, 36))):
        optimizer = Muon()
        optimizer.update(0, one, of, optimizer.create_state(0, one))
    np.testing.assert_array_equal(weight.reshape(6, 36), flat)


@pytest.mark.parametrize("shape", [(), (7,)])
def test_vectors_are_refused_with_what_to_do(shape):
    message = r"weight: expected two dimensions or more for muon, got shape .*; .*mixedoptimizer"
    optimizer, weight = Muon(), np.zeros(shape)
    with pytest.raises(ValueError, match=message):
        optimizer.create_state(0, weight)
    with pytest.raises(ValueError, match=message):
        optimizer.update(0, weight, weight.copy(), weight.copy())


def test_mixed_gives_vectors_to_another_one():
    mixed = wo.optimizer.create("mixed", patterns=[".*weight", ".*"], optimizers=["muon", "adamw"])
    names, weights = ["fc_weight", "fc_bias"], [np.ones((3, 2)), np.ones(3)]
    states = [mixed.create_state(*pair) for pair in zip(names, weights)]
    mixed.update(names, weights, [np.ones((3, 2)), np.ones(3)], states)
    assert (weights[0] < 1).all()
    assert (weights[1] < 1).all()


def test_a_gradient_of_zeros_and_one_of_nan():
    for grad in (np.zeros((2, 3)), np.full((2, 3), np.nan)):
        optimizer, weight = Muon(wd=0), np.ones((2, 3))
        optimizer.update(0, weight, grad, optimizer.create_state(0, weight))
        np.testing.assert_array_equal(weight, 1 + grad)
