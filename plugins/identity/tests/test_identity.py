import numpy as np
import pytest

import weightopt_core as wo


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2), (0, 3)])
def test_the_diagonal_is_the_gain(shape):
    weight = np.full(shape, np.nan, np.float32)
    wo.init.Identity(2.5)("fc1_weight", weight)
    np.testing.assert_array_equal(weight, 2.5 * np.eye(*shape))


@pytest.mark.parametrize("shape", [(), (3,), (3, 3, 1)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="expected two dimensions, got shape"):
        wo.init.Identity()("fc1_weight", np.empty(shape))
