import numpy as np
import pytest

import weightopt_core as wo


@pytest.mark.parametrize("shape", [(5, 5, 3), (6, 4, 3, 4), (7, 2, 1, 2, 3)])
def test_the_middle_is_orthogonal_and_the_rest_is_0(shape):
    weight = np.full(shape, np.nan)
    wo.init.DeltaOrthogonal(2.0, seed=1)("conv1_weight", weight)
    at = (slice(None), slice(None), *((size - 1) // 2 for size in shape[2:]))
    middle = weight[at].copy()
    # A decomposition in float64.
    np.testing.assert_allclose(middle.T @ middle, 4 * np.eye(shape[1]), atol=1e-13)
    weight[at] = 0
    assert not weight.any()


@pytest.mark.parametrize("shape", [(4, 4), (4, 5, 3), (4, 4, 0)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected three to five dimensions, .* as inputs"):
        wo.init.DeltaOrthogonal()("conv1_weight", np.empty(shape))


def test_integers_are_refused():
    with pytest.raises(TypeError, match="expected a float type"):
        wo.init.DeltaOrthogonal()("conv1_weight", np.empty((3, 3, 3), int))
