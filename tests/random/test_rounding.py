"""Stochastic rounding to bfloat16: its bits, its mean, and what it leaves alone."""

import ml_dtypes
import numpy as np
import pytest

from weightopt_core.backends.cpu.rounding import rounded
from weightopt_core.testing.arrays import same_bits

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def test_elements_beyond_32_bits_have_bits_of_their_own():
    values = np.full(2000, 1 + 2.0**-9, np.float32)
    start = 2**32 - 1000
    whole = rounded(values, (1, 2), 0, start)
    assert same_bits(whole[1000:], rounded(values[1000:], (1, 2), 0, 2**32))
    assert not same_bits(whole[1000:], rounded(values[1000:], (1, 2), 0, 0))


def test_random_bits_of_keys_states_and_neighbours_are_independent():
    values = np.full(1 << 16, 1 + 2.0**-8, np.float32)  # in the middle of two neighbours
    runs = [((1, 2), 0), ((1, 2), 1), ((1, 2), 2), ((1, 3), 0), ((2, 2), 0), ((1, 2 + 2**32), 0)]
    ups = np.array([rounded(values, *run).astype(np.float32) > 1 for run in runs], np.float64)
    ups = np.vstack([ups, np.roll(ups[0], 1), np.roll(ups[0], 64)])
    correlations = np.corrcoef(ups) - np.eye(len(ups))
    assert np.abs(correlations).max() < 5 / 256  # five standard deviations
    assert np.abs(ups.mean(axis=1) - 0.5).max() < 5 / 512


@pytest.mark.parametrize("sixteenths", [1, 5, 11])
def test_the_probability_is_the_place_between_neighbours(sixteenths):
    values = np.full(1 << 16, -1 - sixteenths * 2.0**-11, np.float32)
    up = (rounded(values, (5, 6), 1) != -1).mean()
    assert abs(up - sixteenths / 16) < 5 * 0.5 / 256


def test_special_values():
    largest = np.finfo(np.float32).max
    nan = np.array([0x7F800001, 0xFFFFFFFF], np.uint32).view(np.float32)
    values = np.concatenate([np.array([np.inf, -np.inf, 0.0, -0.0], np.float32), nan])
    got = rounded(np.tile(values, 500), (1, 2), 0).reshape(500, -1)
    with np.errstate(invalid="ignore"):
        assert same_bits(got, np.tile(values.astype(BFLOAT16), (500, 1)))
    # Beyond the largest of bfloat16 the neighbour is infinity.
    up = np.isinf(rounded(np.full(4096, largest, np.float32), (1, 2), 0)).mean()
    assert up > 0.99
    between = np.full(4096, 0x7F7F4000, np.uint32).view(np.float32)
    assert abs(np.isinf(rounded(between, (1, 2), 0)).mean() - 0.25) < 0.04
