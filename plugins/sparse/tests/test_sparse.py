import math

import numpy as np
import pytest

import weightopt_core as wo


@pytest.mark.parametrize("sparsity", [0, 0.1, 0.5, 1])
@pytest.mark.parametrize("shape", [(100, 40), (7, 3), (0, 3)])
def test_each_column_has_as_many_zeros(sparsity, shape):
    weight = np.full(shape, np.nan, np.float32)
    wo.init.Sparse(sparsity, seed=1)("fc1_weight", weight)
    zeros = (weight == 0).sum(axis=0)
    assert (zeros == math.ceil(sparsity * shape[0])).all()


def test_rows_differ_by_column_and_the_rest_is_normal():
    weight = np.empty((200, 100))
    wo.init.Sparse(0.5, 0.2, seed=1)("fc1_weight", weight)
    assert weight[weight != 0].std() == pytest.approx(0.2, rel=0.03)  # ten thousand numbers
    # Of each row some columns are 0, and few of them are far from the half.
    assert abs((weight == 0).mean(axis=1) - 0.5).max() < 0.25


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="expected two dimensions, got shape"):
        wo.init.Sparse()("fc1_weight", np.empty(3))
    with pytest.raises(TypeError, match="expected a float type"):
        wo.init.Sparse()("fc1_weight", np.empty((3, 3), int))
