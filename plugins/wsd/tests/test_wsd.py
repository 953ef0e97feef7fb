import math

import pytest

import weightopt_core as wo

WAYS = {
    "linear": lambda x: x,
    "cosine": lambda x: (1 - math.cos(math.pi * x)) / 2,
    "1-sqrt": lambda x: 1 - math.sqrt(1 - x),
}


@pytest.mark.parametrize("mode", WAYS)
def test_three_parts(mode):
    schedule = wo.lr_scheduler.WSDScheduler(
        30, 10, 0.5, 0.1, mode, warmup_steps=5, warmup_begin_lr=0.25
    )
    assert [schedule(n) for n in range(5)] == pytest.approx([0.25 + 0.05 * n for n in range(5)])
    assert {schedule(n) for n in range(5, 21)} == {0.5}
    for n in range(20, 31):
        expected = 0.1 + 0.4 * WAYS[mode]((30 - n) / 10)
        assert schedule(n) == pytest.approx(expected, rel=1e-12)
    assert schedule(31) == 0.1


def test_the_parts_fit_into_the_whole():
    schedule = wo.lr_scheduler.WSDScheduler(30, 20, warmup_steps=10)
    message = "decay_steps: expected at most max_update - warmup_steps, 20, got 21"
    with pytest.raises(ValueError, match=message):
        schedule.decay_steps = 21
    with pytest.raises(ValueError, match=message):
        wo.lr_scheduler.WSDScheduler(30, 21, warmup_steps=10)
