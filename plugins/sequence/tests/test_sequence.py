import pytest

import weightopt_core as wo


def test_each_sees_its_own_count():
    seen = []
    schedule = wo.lr_scheduler.SequenceScheduler(
        [lambda n: seen.append((0, n)) or 1, lambda n: seen.append((1, n)) or 1, lambda n: 2 + n],
        [3, 5],
    )
    assert [schedule(n) for n in range(8)] == [1, 1, 1, 1, 1, 2, 3, 4]
    assert seen == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]


@pytest.mark.parametrize("step", [[3, 5], [3, 5, 7, 9]])
def test_there_is_one_step_fewer_than_schedules(step):
    match = rf"step: expected one fewer than schedules, 3, got {len(step)}"
    with pytest.raises(ValueError, match=match):
        wo.lr_scheduler.SequenceScheduler(["constant"] * 4, step)
    schedule = wo.lr_scheduler.SequenceScheduler(["constant"] * 4, [1, 2, 3])
    with pytest.raises(ValueError, match=match):
        schedule.step = step
    assert schedule.step == [1, 2, 3]


def test_what_is_wrong_within_is_named():
    with pytest.raises(ValueError, match=r"each of schedules: unknown scheduler 'constnat'; did"):
        wo.lr_scheduler.SequenceScheduler(["constant", "constnat"], [3])
    schedule = wo.lr_scheduler.SequenceScheduler(["constant", lambda n: -1], [3])
    with pytest.raises(ValueError, match=r"rate of <function .* at num_update 0: expected a fini"):
        schedule(3)
