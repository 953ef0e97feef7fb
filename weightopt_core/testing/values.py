"""Legal and illegal values of hyperparameters, made from their declarations."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

from ..hyperparameters import (
    REQUIRED,
    Choice,
    Flag,
    Hyperparameter,
    Instance,
    Integer,
    ListOf,
    Real,
    RealOrArray,
    Steps,
)
from ..initializer import Initializer, Nested
from ..lr_scheduler import LRScheduler, Schedule


class Sevenths(Initializer):
    """Fill with 1/7; an initializer for others to use."""

    def _init_weight(self, name: Any, arr: Any) -> None:
        from ..backends import backend_of

        backend_of(arr).fill(arr, 1 / 7)


class Falling(LRScheduler):
    """A rate that falls with every update; for optimizers and other schedulers to use."""

    def __call__(self, num_update: int) -> float:
        """Return the learning rate."""
        return self.base_lr / (1 + num_update)

    def __eq__(self, other: object) -> bool:
        return type(other) is Falling and vars(other) == vars(self)

    __hash__ = object.__hash__


@functools.singledispatch
def legal(declared: Hyperparameter) -> list[Any]:
    """Return values that a hyperparameter has to take, most ordinary first; none where unknown."""
    return []


@legal.register
def _(declared: Real) -> list[Any]:
    low, high = declared._low, declared._high
    inside: list[Any] = [low + 1, low + 2] if high == math.inf else [(low + high) / 2]
    if low == -math.inf:
        inside = [1.0, -2.0] if high == math.inf else [high - 1]
    ends: list[Any] = [end for end in (low, high) if math.isfinite(end)]
    if isinstance(declared, Integer):
        inside, ends = ([int(value) for value in values] for values in (inside, ends))
    return [value for value in dict.fromkeys(inside + ends) if _takes(declared, value)]


@legal.register
def _(declared: Flag) -> list[Any]:
    return [False, True]


@legal.register
def _(declared: Choice) -> list[Any]:
    return list(declared.choices)


@legal.register
def _(declared: Schedule) -> list[Any]:
    return [Falling()]


@legal.register
def _(declared: Steps) -> list[Any]:
    return [[3]]


@legal.register
def _(declared: Nested) -> list[Any]:
    return [Sevenths()]


@legal.register
def _(declared: ListOf) -> list[Any]:
    # Two, so that there is room for what goes between them, as one of `Steps`.
    return [[item, item] for item in legal(declared.item)]


@functools.singledispatch
def illegal(declared: Hyperparameter) -> list[Any]:
    """Return values that a hyperparameter has to refuse; beside None, where it is not optional."""
    return []


@illegal.register
def _(declared: Real) -> list[Any]:
    values: list[Any] = ["much", True, math.nan, math.inf, -math.inf, [1]]
    values += [declared._low, math.nextafter(declared._low, -math.inf), declared._low - 1]
    values += [declared._high, math.nextafter(declared._high, math.inf), declared._high + 1]
    if isinstance(declared, Integer):
        values.append(1.5)
    return [value for value in values if not _inside(declared, value)]


@illegal.register
def _(declared: RealOrArray) -> list[Any]:
    wrong = [value for value in illegal.dispatch(Real)(declared) if not isinstance(value, list)]
    return wrong + [[value] for value in wrong] + [[[1], [1, 2]], {}]


@illegal.register
def _(declared: Flag) -> list[Any]:
    return ["yes", 1.0, 2]


@illegal.register
def _(declared: Choice) -> list[Any]:
    return [" ".join(declared.choices), 3]


@illegal.register
def _(declared: Instance) -> list[Any]:
    return [] if declared.kind is object else [object()]


@illegal.register
def _(declared: Schedule) -> list[Any]:
    return [3, [], object(), LRScheduler]


@illegal.register
def _(declared: Steps) -> list[Any]:
    return [3, "3", [], [0], [3, 3], [5, 3], ["3"], [True], [math.nan]]


@illegal.register
def _(declared: Nested) -> list[Any]:
    return [3, []]


@illegal.register
def _(declared: ListOf) -> list[Any]:
    return [3, "text", *([item] for item in illegal(declared.item))]


def switching(declared: Hyperparameter) -> list[Any]:
    """Return the values of a hyperparameter that may change which rule runs.

    Those are both of a flag, all of a choice, a value beside None, and one beside a default that
    is the lower end of the range, as a momentum of 0 is.
    """
    if isinstance(declared, (Flag, Choice, Nested)):
        return legal(declared)
    at_end = isinstance(declared, Real) and declared.default == declared._low
    if declared.default is None or at_end:
        return [declared.default, *legal(declared)[:1]]
    return []


def combinations(hyperparameters: dict[str, Hyperparameter]) -> list[dict[str, Any]]:
    """Return arguments for every combination of the values that may change which rule runs."""
    choices = {name: switching(declared) for name, declared in hyperparameters.items()}
    choices = {name: values for name, values in choices.items() if values}
    return [dict(zip(choices, chosen)) for chosen in itertools.product(*choices.values())]


def required(hyperparameters: dict[str, Hyperparameter]) -> dict[str, Any]:
    """Return a value for each hyperparameter that must be given."""
    needed = {k: legal(v) for k, v in hyperparameters.items() if v.default is REQUIRED}
    return {name: values[0] for name, values in needed.items() if values}


def _takes(declared: Hyperparameter, value: Any) -> bool:
    try:
        declared.convert(value)
    except (TypeError, ValueError):
        return False
    return True


def _inside(declared: Real, value: Any) -> bool:
    """Whether a value is in the declared interval, read from its text and not from `convert`."""
    if isinstance(value, (str, list, bool)) or not math.isfinite(value):
        return False
    if isinstance(declared, Integer) and value != int(value):
        return False
    above = value >= declared._low if declared.interval[0] == "[" else value > declared._low
    below = value <= declared._high if declared.interval[-1] == "]" else value < declared._high
    return bool(above and below)
