import pytest

import weightopt_core as wo


def test_mxnets_arguments_by_position():
    schedule = wo.lr_scheduler.PolyScheduler(100, 0.5, 3, 0.1, warmup_steps=10)
    expected = [0, 0.25, 0.5, 0.1 + 0.4 * 0.5**3, 0.1, 0.1]
    assert [schedule(n) for n in (0, 5, 10, 55, 100, 101)] == pytest.approx(expected, rel=1e-12)
