"""The recorded runs of optimizers that MXNet has since 0.11: they are as in 1.9.1.

MXNet sums the squares of a norm in float32; the usual tolerance of float32 allows for that.
"""

import pytest
from golden_cases import cases, compare

LATER = cases("mx191_manifest.json", classes={"LAMB"})


@pytest.mark.parametrize("case", LATER.values(), ids=LATER)
def test_matches_1_9_1(case):
    compare(case, "mx191_opt.npz")


def test_all_of_them_are_there():
    assert len(LATER) == 9
