import pytest

import weightopt_core as wo


@pytest.mark.parametrize(
    ("mode", "first"), [("linear", [0.2, 0.4, 0.6]), ("constant", [0.2, 0.2, 0.2])]
)
def test_it_leads_to_where_the_other_begins(mode, first):
    schedule = wo.lr_scheduler.WarmupScheduler(lambda n: 0.8 / (1 + n), 3, 0.2, mode)
    expected = [*first, 0.8, 0.4, 0.8 / 3]
    assert [schedule(n) for n in range(6)] == pytest.approx(expected, rel=1e-12)
    assert schedule(-1) == schedule(0)


def test_without_steps_it_is_the_other():
    schedule = wo.lr_scheduler.WarmupScheduler(lambda n: 1 + n, 0)
    assert [schedule(n) for n in range(3)] == [1, 2, 3]
