import math
from statistics import NormalDist

import numpy as np
import pytest

import weightopt_core as wo


def filled(shape=(200, 100), dtype=np.float64, **given):
    weight = np.empty(shape, dtype)
    wo.init.TruncatedNormal(seed=1, **given)("fc1_weight", weight)
    return weight


@pytest.mark.parametrize(
    ("mean", "sigma", "lower", "upper"),
    [(0, 1, -2, 2), (0.5, 0.02, 0.48, 0.6), (0, 1, 3, 4), (1, 2, -9, -4), (0, 1, -40, 40)],
)
def test_it_is_the_distribution(mean, sigma, lower, upper):
    given = {"mean": mean, "sigma": sigma, "lower": lower, "upper": upper}
    values = np.sort(filled(**given).ravel())
    assert lower <= values[0] <= values[-1] <= upper
    normal = NormalDist(mean, sigma)
    low, high = normal.cdf(lower), normal.cdf(upper)
    for share in (0.1, 0.5, 0.9):
        found = normal.cdf(values[int(share * len(values))])
        # Twenty thousand numbers: four standard deviations of their share.
        assert (found - low) / (high - low) == pytest.approx(share, abs=4 * 0.5 / math.sqrt(2e4))


def test_far_from_the_mean_it_stays_inside():
    for lower, upper in ((9, 10), (-60, -50)):
        values = filled((100,), lower=lower, upper=upper)
        assert ((values >= lower) & (values <= upper)).all()


def test_an_empty_interval_is_refused():
    with pytest.raises(ValueError, match="upper: expected a number above 1, got 1"):
        filled(lower=1, upper=1)


def test_integers_are_refused():
    with pytest.raises(TypeError, match="expected a float type"):
        filled(dtype=np.int64)
