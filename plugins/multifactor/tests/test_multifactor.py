import inspect

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

import weightopt_core as mx


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 100), min_size=1, unique=True).map(sorted),
    st.floats(0, 1),
    st.integers(-5, 120),
)
def test_one_factor_for_each_step_behind(step, factor, n):
    schedule = mx.lr_scheduler.MultiFactorScheduler(step, factor, base_lr=2.0)
    expected = 2.0 * factor ** sum(n > s for s in step)
    assert schedule(n) == pytest.approx(expected, rel=1e-12)


def test_the_order_of_calls_does_not_matter():
    schedule = mx.lr_scheduler.MultiFactorScheduler([4, 8], 0.5, base_lr=1.0)
    assert [schedule(n) for n in (9, 4, 5, 8, 0)] == [0.25, 1.0, 0.5, 0.5, 1.0]
    assert schedule.base_lr == 1.0


def test_the_callers_list_is_copied():
    step = [4, 8]
    schedule = mx.lr_scheduler.MultiFactorScheduler(step, 0.5, base_lr=1.0)
    step.clear()
    assert schedule(9) == 0.25


def test_page_signature():
    parameters = inspect.signature(mx.lr_scheduler.MultiFactorScheduler).parameters
    assert list(parameters) == ["step", "factor", "kwargs"]
    assert parameters["factor"].default == 1


@pytest.mark.parametrize("step", [[], [0, 3], [3, 3], [6, 3], [-2]])
def test_steps_grow_from_1(step):
    with pytest.raises(ValueError, match="step: expected a list of growing integers, each at leas"):
        mx.lr_scheduler.MultiFactorScheduler(step)


@pytest.mark.parametrize("step", [4, "4", None, ["4"]])
def test_steps_are_a_list_of_numbers(step):
    with pytest.raises(TypeError, match="step: expected a list of growing integers, each at least"):
        mx.lr_scheduler.MultiFactorScheduler(step)
