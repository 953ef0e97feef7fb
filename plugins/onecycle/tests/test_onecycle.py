import pytest

import weightopt_core as wo


@pytest.mark.parametrize("pct_start", [0, 0.25, 1])
def test_begin_peak_and_end(pct_start):
    schedule = wo.lr_scheduler.OneCycleScheduler(
        8, 1.0, pct_start, "linear", div_factor=4, final_div_factor=5
    )
    rates = [schedule(n) for n in range(10)]
    assert rates[8:] == pytest.approx([0.05, 0.05])
    if pct_start == 0:
        assert rates[0] == 1
    if pct_start == 0.25:
        assert rates[:3] == [0.25, 0.625, 1]
    if pct_start == 1:
        assert rates[:2] == [0.25, 0.25 + 0.75 / 8]
