import pytest

import weightopt_core as wo


def test_the_papers_formula():
    width, steps = 512, 4000
    schedule = wo.lr_scheduler.InverseSqrtScheduler((width * steps) ** -0.5, warmup_steps=steps)
    for n in (1, 10, 3999, 4000, 4001, 10**6):
        expected = width**-0.5 * min(n**-0.5, n * steps**-1.5)
        assert schedule(n) == pytest.approx(expected, rel=1e-12)


def test_the_timescale():
    schedule = wo.lr_scheduler.InverseSqrtScheduler(0.8)
    assert [schedule(n) for n in (0, 30_000)] == [0.8, 0.4]
    schedule = wo.lr_scheduler.InverseSqrtScheduler(0.8, 100, warmup_steps=10)
    assert [schedule(n) for n in (10, 310)] == [0.8, 0.4]
