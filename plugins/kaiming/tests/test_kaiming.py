import math

import numpy as np
import pytest

import weightopt_core as wo

GAINS = {
    "leaky_relu": math.sqrt(2 / (1 + 0.5**2)), "relu": math.sqrt(2), "tanh": 5 / 3, "selu": 3 / 4,
    "linear": 1, "sigmoid": 1,
}  # fmt: skip


@pytest.mark.parametrize("nonlinearity", GAINS)
@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 500), ("fan_out", 1000)])
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_spread(nonlinearity, mode, fan, distribution):
    weight = np.empty((40, 20, 5, 5), np.float32)
    wo.init.Kaiming(0.5, mode, nonlinearity, distribution, seed=1)("conv1_weight", weight)
    # Twenty thousand numbers.
    assert weight.std() == pytest.approx(GAINS[nonlinearity] / math.sqrt(fan), rel=0.02)


def test_it_is_written_with_its_own_arguments():
    text = wo.init.Kaiming(nonlinearity="relu", seed=3).dumps()
    given = '{"a": 0.0, "mode": "fan_in", "nonlinearity": "relu", "distribution": "normal"'
    assert text == f'["kaiming", {given}, "seed": 3}}]'
    with pytest.raises(TypeError, match="no argument 'scale'"):
        wo.init.Kaiming(scale=2)
