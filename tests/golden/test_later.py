"""The recorded runs of optimizers that MXNet has since 0.11: they are as in 1.9.1.

MXNet sums the squares of a norm in float32; the usual tolerance of float32 allows for that.
"""

import numpy as np
import pytest
from golden_cases import STATE_TOLERANCE, TOLERANCE, Run, arrays, cases, compare

LATER = cases("mx191_manifest.json", classes={"FTML", "LAMB", "Signum"})
LARS = cases("mx191_manifest.json", classes={"LARS"})


@pytest.mark.parametrize("case", LATER.values(), ids=LATER)
def test_matches_1_9_1(case):
    compare(case, "mx191_opt.npz")


@pytest.mark.parametrize("case", LARS.values(), ids=LARS)
def test_matches_1_9_1_but_for_the_rate_in_the_state(case):
    """Row 48 of docs/departures.md."""
    run, gold = Run(case), arrays("mx191_opt.npz")
    for t in range(case["steps"]):
        run.step(t)
        for j, weight in enumerate(run.weights):
            expected, limit = gold[f"{case['id']}|w|{j}"][t], TOLERANCE["float32"]
            np.testing.assert_allclose(weight, expected, rtol=limit, atol=limit)
    for j, state in enumerate(run.states):
        expected = gold[f"{case['id']}|state|{j}|0"]
        limit = STATE_TOLERANCE["float32"] * (np.abs(expected).max() + 0.01)
        np.testing.assert_allclose(-run.optimizer.lr * state, expected, rtol=0, atol=limit)


def test_all_of_them_are_there():
    assert (len(LATER), len(LARS)) == (21, 3)
