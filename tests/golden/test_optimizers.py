"""The recorded runs of MXNet 0.11: each is matched, or excused by a row of docs/departures.md.

An excused run must not match as recorded, and what is departed to is tested here: against the
same case in MXNet 1.9.1, or with the settings that lead MXNet to it. NAG and Nadam are judged by
formula in ``test_formulas.py`` where 1.9.1 does not serve.
"""

import numpy as np
import pytest
from golden_cases import Run, arrays, compare
from golden_rows import CASES, LATER, RESUMED_ROW, ROWS, UNINTERRUPTED, recorded_in, row


def excused(*rows):
    """Parametrize with the cases that one of `rows` excuses."""
    found = [case for case in CASES.values() if row(case) in rows]
    return pytest.mark.parametrize("case", found, ids=lambda case: case["id"])


@excused(0)
def test_matches_0_11(case):
    compare(case, recorded_in(case))


@excused(9, 10)
def test_values_out_of_range_are_errors(case):
    with pytest.raises(ValueError, match=r"^(clip_\w+|momentum): expected .*, got"):
        Run(case)


@excused(1, 4, 6, 7, 8, 14)
def test_an_excused_case_differs(case):
    with pytest.raises(AssertionError, match="times the tolerance"):
        compare(case, recorded_in(case))


def test_every_row_excuses_a_case():
    assert {row(case) for case in CASES.values()} == {0, *ROWS.values(), RESUMED_ROW}


@pytest.mark.parametrize(
    "case",
    [c for c in CASES.values() if row(c) == 1 and c["class"] != "NAG"],
    ids=lambda case: case["id"],
)
def test_matches_1_9_1_where_0_11_reads_the_rate_before_counting(case):
    compare(LATER[case["id"]], "mx191_opt.npz")


@pytest.mark.parametrize(
    "case",
    [c for c in CASES.values() if row(c) == 4 and len(c["params"]) == 1],
    ids=lambda case: case["id"],
)
def test_matches_1_9_1_where_0_11_multiplies_the_gradient_by_the_decay(case):
    compare(LATER[case["id"]], "mx191_opt.npz")


@pytest.mark.parametrize(
    "case",
    [c for c in LATER.values() if c["tag"] == "generic_multi_precision"],
    ids=lambda case: case["id"],
)
def test_matches_1_9_1_with_a_master_copy_for_every_optimizer(case):
    # Row 6: MXNet ignores AdaDelta's rate, which is as a rate of 1 here.
    compare(
        case, "mx191_opt.npz", **({"learning_rate": 1.0} if case["class"] == "AdaDelta" else {})
    )


@excused(6)
def test_adadelta_with_a_rate_of_1_is_as_without_any(case):
    without = {key: case[key] for key in case if key not in ("scheduler", "set_lr_mult")}
    compare(without, recorded_in(case), learning_rate=1.0)


@excused(7)
def test_ftrl_with_the_initial_rate_of_mxnets_scheduler(case):
    compare(case, recorded_in(case), learning_rate=0.01)


@excused(8)
def test_adamax_stays_where_mxnet_divides_0_by_0(case):
    run = Run(case)
    before = run.weights[0].copy()
    for t in range(case["steps"]):
        run.step(t)
    gold = arrays(recorded_in(case))[f"{case['id']}|w|0"][-1]
    lost = np.isnan(gold)
    assert 0 < lost.sum() < lost.size
    np.testing.assert_array_equal(run.weights[0][lost], before[lost])
    np.testing.assert_allclose(run.weights[0][~lost], gold[~lost], rtol=2e-6, atol=2e-6)


@excused(14)
def test_a_resumed_run_is_as_an_uninterrupted_one(case):
    assert case["tag"] == "updater_restart"
    compare(case | {"id": UNINTERRUPTED[case["id"]]}, recorded_in(case))
