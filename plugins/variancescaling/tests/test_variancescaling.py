import math

import numpy as np
import pytest

import weightopt_core as wo


@pytest.mark.parametrize("distribution", ["truncated_normal", "normal", "uniform"])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
def test_spread(distribution, mode):
    weight = np.empty((40, 20, 5, 5), np.float32)
    wo.init.VarianceScaling(3.0, mode, distribution, seed=1)("conv1_weight", weight)
    fans = {"fan_in": 500, "fan_out": 1000, "fan_avg": 750}
    sigma = math.sqrt(3.0 / fans[mode])
    # Twenty thousand numbers.
    assert weight.std() == pytest.approx(sigma, rel=0.02)
    assert abs(weight.mean()) < 0.03 * sigma
    limits = {"truncated_normal": 2 / 0.8796, "normal": 9, "uniform": math.sqrt(3)}
    assert abs(weight).max() <= limits[distribution] * sigma * 1.0001


def test_it_has_the_bits_of_xavier():
    ours, theirs = np.empty((5, 7)), np.empty((5, 7))
    wo.init.VarianceScaling(1.0, "fan_avg", "normal", seed=1)("fc1_weight", ours)
    wo.init.Xavier("gaussian", "avg", 1.0, seed=1)("fc1_weight", theirs)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("shape", [(), (5,), (0, 5), (5, 5, 0)])
def test_a_shape_without_fans_is_an_error(shape):
    with pytest.raises(ValueError, match=r"'fc1_weight': expected two dimensions .* got shape"):
        wo.init.VarianceScaling()("fc1_weight", np.empty(shape))
