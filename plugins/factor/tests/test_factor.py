import inspect

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

import weightopt_core as mx


def by_counting(n, step, factor, stop_factor_lr, base_lr):
    """Return the learning rate by going through the updates one after the other."""
    lr, changed = base_lr, 0
    for update in range(1, n + 1):
        if update > changed + step:
            changed += step
            lr = max(lr * factor, stop_factor_lr)
    return lr


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 200),
    st.integers(1, 50),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 10),
)
def test_equals_counting(n, step, factor, stop_factor_lr, base_lr):
    schedule = mx.lr_scheduler.FactorScheduler(step, factor, stop_factor_lr, base_lr=base_lr)
    expected = by_counting(n, step, factor, stop_factor_lr, base_lr)
    assert schedule(n) == pytest.approx(expected, rel=1e-12)


def test_the_order_of_calls_does_not_matter():
    schedule = mx.lr_scheduler.FactorScheduler(step=3, factor=0.5, base_lr=1.0)
    assert [schedule(n) for n in (10, 1, 7, -5, 4, 3)] == [0.125, 1.0, 0.25, 1.0, 0.5, 1.0]
    assert schedule.base_lr == 1.0


def test_far_out_it_stays_at_the_floor():
    assert mx.lr_scheduler.FactorScheduler(1, 0.9, base_lr=1.0)(10**18) == 1e-8


def test_the_floor_lifts_a_rate_below_it_at_the_first_change():
    schedule = mx.lr_scheduler.FactorScheduler(step=5, stop_factor_lr=5.0, base_lr=1.0)
    assert [schedule(n) for n in (5, 6)] == [1.0, 5.0]


def test_page_signature():
    parameters = inspect.signature(mx.lr_scheduler.FactorScheduler).parameters
    assert list(parameters) == ["step", "factor", "stop_factor_lr", "kwargs"]
    assert [parameters[name].default for name in ("factor", "stop_factor_lr")] == [1, 1e-8]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"step": 0}, r"step: expected a number in \[1, inf\), got 0"),
        ({"step": 2, "factor": 1.5}, r"factor: expected a number in \[0, 1\], got 1.5"),
        ({"step": 2, "stop_factor_lr": -1}, r"stop_factor_lr: expected a number in \[0, inf\)"),
        ({"step": 2, "base_lr": -1}, r"base_lr: expected a number in \[0, inf\), got -1"),
    ],
)
def test_arguments_have_ranges(arguments, message):
    with pytest.raises(ValueError, match=message):
        mx.lr_scheduler.create("factor", **arguments)
