import pytest

import weightopt_core as wo


def test_it_rises_as_well():
    schedule = wo.lr_scheduler.LinearScheduler(10, 0.1, 0.5)
    assert [schedule(n) for n in (0, 5, 10, 11)] == pytest.approx([0.1, 0.3, 0.5, 0.5], rel=1e-12)


def test_what_is_missing_is_missing_of_this_class():
    with pytest.raises(TypeError, match=r"LinearScheduler\(\) needs 'max_update', an integer in"):
        wo.lr_scheduler.LinearScheduler()
