import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import weightopt_core as mx


def element(y, x, width):
    """Return an element of the kernel, by its definition."""
    f = math.ceil(width / 2)
    c = (2 * f - 1 - f % 2) / (2 * f)
    return (1 - abs(y / f - c)) * (1 - abs(x / f - c))


@settings(max_examples=50, deadline=None)
@given(st.tuples(*(st.integers(1, n) for n in (3, 3, 9, 9))))
def test_every_element_of_every_channel(shape):
    weight = np.full(shape, np.nan)
    mx.init.Bilinear()("up_weight", weight)
    expected = [[element(y, x, shape[3]) for x in range(shape[3])] for y in range(shape[2])]
    np.testing.assert_allclose(weight, np.broadcast_to(expected, shape), rtol=1e-14, atol=1e-16)


def square(width):
    weight = np.empty((1, 1, width, width))
    mx.init.Bilinear()("up_weight", weight)
    return weight[0, 0]


@pytest.mark.parametrize("width", range(1, 25))
def test_it_interpolates_for_the_sizes_that_the_documentation_names(width):
    kernel, stride = square(width), math.ceil(width / 2)
    sums = [kernel[y::stride, x::stride].sum() for y in range(stride) for x in range(stride)]
    # Sums of at most four numbers below 1, each rounded a few times.
    assert np.allclose(sums, 1, rtol=1e-14) == (width % 4 != 3)
    fits = width == 2 * stride - stride % 2
    assert fits == (width % 4 in (0, 1))
    if fits:
        np.testing.assert_allclose(kernel, kernel.T)
        np.testing.assert_allclose(kernel, kernel[::-1, ::-1])
    if width % 4 == 2:
        assert not kernel[-1].any()
        assert not kernel[:, -1].any()
        np.testing.assert_array_equal(kernel[:-1, :-1], square(width - 1))


def test_takes_no_arguments():
    assert mx.init.Bilinear().dumps() == '["bilinear", {}]'
    with pytest.raises(TypeError, match=r"Bilinear\(\) has no argument 'scale'"):
        mx.init.Bilinear(scale=2)


@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4), (1, 1, 4, 0), (1, 1, 1, 4, 4)])
def test_other_shapes_are_errors(shape):
    with pytest.raises(ValueError, match=r"'up_weight': expected four dimensions, .* got shape \("):
        mx.init.Bilinear()("up_weight", np.empty(shape))
