"""Constructors that follow from declared hyperparameters, and the signatures they show."""

import inspect

import pytest

import weightopt_core as mx
from weightopt_core.algorithm import Algorithm
from weightopt_core.hyperparameters import Real


class Mixed(mx.Optimizer):
    first = Real(interval="[0, 9]")
    hidden = Real(2.0, kw_only=True)
    second = Real(1.0)


class Hidden(mx.Optimizer):
    hidden = Real(2.0, kw_only=True)


def test_what_is_by_keyword_alone_is_among_kwargs():
    assert str(inspect.signature(Mixed)) == "(first, second=1.0, **kwargs)"
    assert str(inspect.signature(Hidden)) == "(**kwargs)"


def test_what_is_by_keyword_alone_is_taken_by_keyword():
    mixed = Mixed(3, 0.5, hidden=4, wd=0.25)
    assert (mixed.first, mixed.second, mixed.hidden, mixed.wd) == (3, 0.5, 4, 0.25)
    assert Hidden().hidden == 2.0
    assert "hidden" in Hidden.hyperparameters
    with pytest.raises(TypeError, match="takes 2 positional arguments"):
        Mixed(3, 0.5, 4)
    with pytest.raises(ValueError, match=r"^hidden: expected"):
        Hidden(hidden=float("inf"))


def test_the_default_of_a_base_class_may_be_changed():
    class Fast(mx.Optimizer):
        learning_rate = mx.hyperparameters.LearningRate(1.0, "[0, inf)", kw_only=True)

    assert (Fast().lr, Fast(learning_rate=0.5).lr) == (1.0, 0.5)
    assert str(inspect.signature(Fast)) == "(**kwargs)"


class Base(Algorithm):
    low = Real()
    high = Real(1.0)


class Fixed(Base):
    factor = Real(2.0)
    low = 0.5

    @property
    def high(self):
        return self.low + self.factor


def test_a_subclass_can_fix_what_it_inherits():
    fixed = Fixed(3)
    assert (fixed.low, fixed.high) == (0.5, 3.5)
    assert list(Fixed.hyperparameters) == ["factor"]
    assert list(inspect.signature(Fixed).parameters) == ["factor", "kwargs"]
    assert repr(fixed) == "Fixed(factor=3)"


@pytest.mark.parametrize("name", ["low", "high"])
def test_what_is_fixed_is_no_argument(name):
    with pytest.raises(TypeError, match=rf"Fixed\(\) has no argument '{name}'"):
        Fixed(**{name: 1})


def test_a_subclass_that_only_fixes_takes_the_rest_by_keyword():
    class Half(Base):
        low = 0.5

    assert Half(high=2).high == 2
    with pytest.raises(TypeError, match="takes 0 positional arguments"):
        Half(2)


def test_what_is_not_fixed_is_still_required():
    with pytest.raises(TypeError, match="needs 'low'"):
        Base()
