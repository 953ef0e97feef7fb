import warnings

import ml_dtypes
import numpy as np
import pytest
from weightopt_clipglobalnorm import ClipGlobalNorm

import weightopt_core as wo


def sgd(**given):
    return wo.optimizer.create("sgd", learning_rate=1, **given)


def step(optimizer, *grads, dtype=np.float64):
    """Update weights of zeros by the gradients, and return them."""
    grads = [np.array(grad, dtype) for grad in grads]
    weights = [np.zeros_like(grad) for grad in grads]
    indices = list(range(len(grads)))
    optimizer.update(indices, weights, grads, [optimizer.create_state(0, w) for w in weights])
    return [weight.tolist() for weight in weights]


def test_no_gradient_is_scaled_below_the_norm():
    optimizer = ClipGlobalNorm(sgd(), max_norm=5.0)
    assert step(optimizer, [3.0], [4.0]) == [[-3.0], [-4.0]]
    assert optimizer.norm == 5.0


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
def test_all_are_scaled_above_it(dtype):
    assert step(ClipGlobalNorm(sgd(), max_norm=2.5), [3.0], [4.0], dtype=dtype) == [[-1.5], [-2.0]]


def test_the_norm_comes_before_what_the_optimizer_does_with_gradients():
    optimizer = ClipGlobalNorm(sgd(rescale_grad=0.5, clip_gradient=0.6), max_norm=2.5)
    assert step(optimizer, [3.0], [4.0]) == [[-0.6], [-0.6]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_norm_that_is_not_finite(bad):
    optimizer = ClipGlobalNorm(sgd())
    with pytest.raises(ValueError, match="norm of the arrays: expected a finite number"):
        step(optimizer, [1.0], [bad])
    optimizer.on_nonfinite = "raise"
    with pytest.raises(FloatingPointError, match="grad of 1: expected finite numbers"):
        step(optimizer, [1.0], [bad])
    optimizer.on_nonfinite = "skip"
    with pytest.warns(UserWarning, match="this step is skipped"):
        assert step(optimizer, [1.0], [bad]) == [[0.0], [0.0]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert step(optimizer, [1.0], [bad]) == [[0.0], [0.0]]
    assert (optimizer.skipped, optimizer.num_update, optimizer.norm) == (2, 0, None)


def test_finite_gradients_whose_norm_is_beyond_double():
    optimizer = ClipGlobalNorm(sgd(on_nonfinite="skip"))
    with pytest.raises(ValueError, match="norm of the arrays: expected a finite number, got inf"):
        step(optimizer, [1.7e308, 1.7e308])
    assert optimizer.skipped == 0


@pytest.mark.parametrize("inner", ["sgd", ["ema", {"optimizer": "sgd"}]])
def test_a_wrong_array_leaves_all_as_it_was(inner):
    optimizer = ClipGlobalNorm(inner, max_norm=0.1)
    weights = [np.zeros(2), np.zeros(2)]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    weights[1].flags.writeable = False
    with pytest.raises(ValueError, match="weight: expected a writable array"):
        optimizer.update([0, 1], weights, [np.ones(2), np.ones(2)], states)
    assert (weights[0] == 0).all()
    assert (optimizer.num_update, optimizer.norm) == (0, None)


def test_updater_and_single_weights():
    updater = wo.optimizer.get_updater(ClipGlobalNorm(["adam", {"learning_rate": 1}]))
    weight = np.zeros(2)
    updater("fc", np.array([3.0, 4.0]), weight)
    assert updater.optimizer.norm == 5.0
    assert weight.all()
