import math

import pytest

import weightopt_core as wo


def by_counting(n, lengths):
    """Return cycle and place in it by going through the cycles."""
    for cycle, length in enumerate(lengths):
        if n < length or cycle == len(lengths) - 1:
            return cycle, min(n / length, 1)
        n -= length


@pytest.mark.parametrize(("factor", "lengths"), [(1, [10] * 4), (2, [10, 20, 40, 80])])
def test_cycles(factor, lengths):
    schedule = wo.lr_scheduler.CosineScheduler(
        15, 0.5, 0.1, cycles=4, cycle_factor=factor, peak_factor=0.5, warmup_steps=5
    )
    for n in range(5, 200):
        cycle, part = by_counting(n - 5, lengths)
        expected = 0.1 + 0.4 * 0.5**cycle * (1 + math.cos(math.pi * part)) / 2
        assert schedule(n) == pytest.approx(expected, rel=1e-12)


def test_cycles_without_end_cost_nothing():
    schedule = wo.lr_scheduler.CosineScheduler(10, 0.5, cycles=10**12)
    assert schedule(10**12) == 0.5
    assert schedule(10**12 - 5) == pytest.approx(0.25)


def test_mxnets_arguments_by_position():
    schedule = wo.lr_scheduler.CosineScheduler(100, 0.5, 0.1, warmup_steps=10)
    assert [schedule(n) for n in (0, 5, 10, 55, 100, 101)] == pytest.approx(
        [0, 0.25, 0.5, 0.3, 0.1, 0.1], rel=1e-12
    )


@pytest.mark.parametrize("name", ["cosine", "poly", "linear"])
def test_a_warm_up_is_shorter_than_the_schedule(name):
    with pytest.raises(ValueError, match="warmup_steps: expected fewer than max_update=5, got 5"):
        wo.lr_scheduler.create(name, max_update=5, warmup_steps=5)
    schedule = wo.lr_scheduler.create(name, max_update=6, warmup_steps=5)
    with pytest.raises(ValueError, match="warmup_steps: expected fewer than max_update=5, got 5"):
        schedule.max_update = 5
    assert schedule.max_update == 6
