"""The functions of rules: on arrays, on numbers, and compiled, all the same."""

import math

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.rule import clip, maximum, minimum, sign, sqrt, where
from weightopt_core.testing.arrays import SPECIAL


def test_clip_of_arrays_and_numbers():
    x = np.array([-2.0, -0.0, 2.0, np.nan, np.inf])
    np.testing.assert_array_equal(clip(x, 1), [-1, -0.0, 1, np.nan, 1])
    assert clip(x, None) is x
    assert (clip(-2.0, 1), clip(0.5, 1), clip(3, None)) == (-1, 0.5, 3)


@pytest.mark.parametrize("bound", [0, -1, math.nan])
def test_clip_needs_a_positive_bound(bound):
    with pytest.raises(ValueError, match="expected None or a number > 0, got"):
        clip(np.ones(1), bound)


def test_maximum_and_minimum_keep_nan_and_the_first_of_equals():
    x, y = (part.ravel() for part in np.meshgrid(SPECIAL, SPECIAL))
    for ours, numpys in ((maximum, np.maximum), (minimum, np.minimum)):
        np.testing.assert_array_equal(ours(x, y), numpys(x, y))
    assert not np.signbit(maximum(np.array([0.0]), -0.0))[0]
    assert np.signbit(maximum(np.array([-0.0]), 0.0))[0]
    assert (maximum(1.0, 2), minimum(1.0, 2)) == (2, 1.0)


@pytest.mark.parametrize("function", [maximum, minimum])
def test_numbers_are_compared_as_arrays_are(function):
    for x in map(float, SPECIAL):
        for y in map(float, SPECIAL):
            found, expected = function(x, y), function(np.array([x]), y)[0]
            assert type(found) is float
            np.testing.assert_array_equal(found, expected)
            assert math.copysign(1, found) == math.copysign(1, expected) or found != found


def test_sign_and_sqrt():
    np.testing.assert_array_equal(
        sign(np.array([-3.0, -0.0, 0.0, 2.0, np.nan])), [-1, 0, 0, 1, np.nan]
    )
    assert (sign(-2), sign(0.0), sqrt(4)) == (-1, 0, 2)
    assert type(sqrt(4.0)) is float
    assert math.isnan(sign(math.nan))


def test_where_keeps_the_arrays_dtype():
    mask = np.array([True, False])
    x = np.ones(2, np.float32)
    assert where(mask, x, 0.1).dtype == np.float32
    with pytest.raises(TypeError, match="where: expected an array"):
        where(mask, 1.0, 2.0)


@mx.update_rule
def scaled(weight, grad, *, base, exponent):
    return weight - math.pow(base, exponent) * grad


@pytest.mark.parametrize(("base", "exponent"), [(-8.0, 0.5), (0.0, -1.5), (0.0, -2.0)])
def test_powers_without_a_value_are_refused_as_by_math(base, exponent):
    given = {"base": base, "exponent": exponent}
    with pytest.raises(ValueError, match="domain"):
        scaled.evaluate(given)
    with pytest.raises(ValueError, match="domain"):
        scaled(np.ones(1), np.ones(1), **given)
