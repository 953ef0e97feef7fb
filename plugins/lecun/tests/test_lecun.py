import math

import numpy as np
import pytest

import weightopt_core as wo


@pytest.mark.parametrize("distribution", ["truncated_normal", "normal", "uniform"])
def test_it_is_variance_scaling(distribution):
    ours, theirs = np.empty((40, 300)), np.empty((40, 300))
    wo.init.LeCun(distribution, seed=1)("fc1_weight", ours)
    wo.init.VarianceScaling(1.0, "fan_in", distribution, seed=1)("fc1_weight", theirs)
    np.testing.assert_array_equal(ours, theirs)
    assert ours.std() == pytest.approx(1 / math.sqrt(300), rel=0.03)
