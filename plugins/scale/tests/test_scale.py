import weightopt_core as wo


def test_every_rate_is_multiplied_and_the_count_stays():
    seen = []
    schedule = wo.lr_scheduler.ScaleScheduler(lambda n: seen.append(n) or n, 0.25)
    assert [schedule(n) for n in (0, 1, 8)] == [0, 0.25, 2]
    assert seen == [0, 1, 8]


def test_factors_multiply():
    schedule = wo.lr_scheduler.ScaleScheduler(wo.lr_scheduler.ScaleScheduler(lambda n: 3, 0.5), 4)
    assert schedule(1) == 6
