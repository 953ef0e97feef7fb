import numpy as np
import pytest
from weightopt_skipnonfinite import SkipNonfinite

import weightopt_core as wo

BAD = [np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", BAD)
def test_one_such_gradient_leaves_out_the_whole_call(dtype, value):
    optimizer = SkipNonfinite("adam")
    weights = [np.ones(3, dtype), np.ones(70_001, dtype)]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    grads = [np.ones_like(weight) for weight in weights]
    grads[1][-1] = value
    optimizer.update([0, 1], weights, grads, states)
    assert all((weight == 1).all() for weight in weights)
    assert not any(part.any() for state in states for part in state)
    assert (optimizer.skipped, optimizer.num_update) == (1, 0)
    grads[1][-1] = 1
    optimizer.update([0, 1], weights, grads, states)
    assert (optimizer.skipped, optimizer.in_a_row, optimizer.num_update) == (1, 0, 1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_all_finite_numbers_are_finite(dtype):
    optimizer = SkipNonfinite(["sgd", {"learning_rate": 0}])
    largest = np.full(5000, np.finfo(dtype).max, dtype)
    optimizer.update(0, np.ones(5000, dtype), largest, None)
    assert optimizer.skipped == 0


def test_more_than_allowed_one_after_another_raise():
    optimizer = SkipNonfinite(wo.optimizer.create("sgd", param_idx2name={0: "fc_bias"}), most=1)
    weight, bad = np.ones(2), np.array([1, np.nan])
    optimizer.update(0, weight, bad, None)
    optimizer.update(0, weight, np.zeros(2), None)
    optimizer.update(0, weight, bad, None)
    with pytest.raises(FloatingPointError, match=r"grad of 0 \('fc_bias'\): expected finite"):
        optimizer.update(0, weight, bad, None)
    assert (weight == 1).all()
    assert (optimizer.skipped, optimizer.num_update) == (3, 1)


def test_arrays_are_checked_in_a_call_that_is_left_out():
    optimizer = SkipNonfinite("sgd")
    with pytest.raises(ValueError, match="shape of grad"):
        optimizer.update(0, np.ones(2), np.full(3, np.nan), None)
    assert optimizer.skipped == 0
