"""Schedules within others, and within optimizers: how they are given, and where they begin."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ..errors import wording
from ..hyperparameters import Hyperparameter, ListOf, Real
from .base import registry


class Schedule(Hyperparameter):
    """What gives the learning rate of each update; stored as a copy, which nobody else changes."""

    expected = "an LRScheduler, its name, what its dumps() returned, or a function of num_update"

    def check(self, value: Any) -> Any:
        """Return the schedule; what is wrong with its text, `create` says."""
        if isinstance(value, (str, list)):
            try:
                return registry.create(value)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{self.name}: {error}") from error
        return super().check(value)

    def convert(self, value: Any) -> Callable[[int], Any]:
        if isinstance(value, type) or not callable(value):
            raise TypeError
        return copy.copy(value)


class InitialRate(Real):
    """The ``base_lr`` of a scheduler that holds others, which is theirs and not its own.

    Setting it lets each of them begin with that rate, and what these hold too. Reading it gives the
    first one's. Where all are plain functions, which have none, it is None and cannot be set. It is
    declared below the schedules, so that it is set after them.

    Examples
    --------
    >>> from weightopt_core.lr_scheduler import InitialRate, LRScheduler, Schedule
    >>> class Later(LRScheduler):
    ...     schedule = Schedule()
    ...     base_lr = InitialRate()
    ...
    ...     def __call__(self, num_update):
    ...         return self.schedule(max(num_update - 100, 0))
    >>> Later(["factor", {"step": 10, "factor": 0.5}], base_lr=0.8)(111)
    0.4
    """

    computed = True

    def __init__(self) -> None:
        super().__init__(None, "[0, inf)", kw_only=True)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self.default
        rates = [getattr(schedule, "base_lr", None) for schedule in _held(instance)]
        return next((rate for rate in rates if rate is not None), None)

    def __set__(self, instance: Any, value: Any) -> None:
        start_from(instance, value, True)

    def allow(self, instance: Any, value: Any) -> None:
        if getattr(instance, self.name) is None:
            expected = f"a schedule with a {self.name} beside it"
            raise ValueError(wording(self.name, expected, "plain functions", "leave it out"))


def start_from(schedule: Any, rate: float, given: bool) -> None:
    """Let a schedule begin at `rate`, if one was given or it has no initial rate of its own.

    One whose ``base_lr`` is an `InitialRate` passes that on to those which it holds.
    """
    declared = getattr(type(schedule), "hyperparameters", {}).get("base_lr")
    if isinstance(declared, InitialRate):
        for held in _held(schedule):
            start_from(held, rate, given)
    elif hasattr(schedule, "base_lr") and (
        given or "base_lr" not in getattr(schedule, "__dict__", {})
    ):
        schedule.base_lr = rate


def _held(scheduler: Any) -> list[Any]:
    """Return the schedules that the hyperparameters of a scheduler declare."""
    found: list[Any] = []
    for name, declared in scheduler.hyperparameters.items():
        if isinstance(declared, Schedule):
            found.append(getattr(scheduler, name))
        elif isinstance(declared, ListOf) and isinstance(declared.item, Schedule):
            found += getattr(scheduler, name) or []
    return found
