import pytest

import weightopt_core as wo


def test_the_smooth_form_of_factor():
    smooth = wo.lr_scheduler.ExponentialScheduler(0.5, 10, 0.03, base_lr=0.8)
    stairs = wo.lr_scheduler.FactorScheduler(10, 0.5, 0.03, base_lr=0.8)
    for n in range(0, 100, 10):
        assert smooth(n) == pytest.approx(stairs(n + 1), rel=1e-12)
    assert smooth(5) == pytest.approx(0.8 * 0.5**0.5, rel=1e-12)


def test_it_counts_from_the_end_of_the_warm_up():
    schedule = wo.lr_scheduler.ExponentialScheduler(0.5, base_lr=0.8, warmup_steps=4)
    assert [schedule(n) for n in (4, 5, 6)] == pytest.approx([0.8, 0.4, 0.2], rel=1e-12)
