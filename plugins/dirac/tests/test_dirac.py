import numpy as np
import pytest

import weightopt_core as wo


def loop(shape, groups):
    values = np.zeros(shape)
    each = shape[0] // groups
    for group in range(groups):
        for channel in range(min(each, shape[1])):
            at = (group * each + channel, channel, *(size // 2 for size in shape[2:]))
            values[at] = 1
    return values


@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("shape", [(6, 2, 3), (6, 3, 3, 3), (12, 6, 2, 4), (6, 9, 1, 3, 5)])
def test_channels_go_to_themselves(shape, groups):
    weight = np.full(shape, np.nan, np.float32)
    wo.init.Dirac(groups)("conv1_weight", weight)
    np.testing.assert_array_equal(weight, loop(shape, groups))


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 0), (5, 2, 3), (2,) * 6])
def test_other_shapes_are_refused(shape):
    with pytest.raises(
        ValueError, match=r"expected three to five dimensions, .* multiple of groups"
    ):
        wo.init.Dirac(2)("conv1_weight", np.empty(shape))
