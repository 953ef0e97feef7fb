"""The base class of all learning-rate schedulers, and their registry."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from .. import written
from ..algorithm import Algorithm
from ..errors import wording
from ..hyperparameters import Real
from ..kinds import SCHEDULER
from ..registry import Registry


class LRScheduler(Algorithm):
    """Base class of a learning-rate scheduler, a pure function of the number of updates.

    A subclass implements ``__call__``; the same ``num_update`` gives the same learning rate,
    whatever was asked before.

    Parameters
    ----------
    base_lr : float, optional
        The initial learning rate, at least 0. An optimizer that was given a learning rate of its
        own uses the scheduler with that one instead.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> class Halving(wo.lr_scheduler.LRScheduler):
    ...     def __call__(self, num_update):
    ...         return self.base_lr * 0.5**num_update
    >>> Halving(base_lr=0.8)(2)
    0.2
    """

    base_lr = Real(0.01, "[0, inf)")

    def __call__(self, num_update: int) -> float:
        """Return the learning rate.

        Parameters
        ----------
        num_update : int
            The largest number of updates that any one weight has seen.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement __call__(num_update)")

    def dumps(self) -> str:
        """Return the scheduler as JSON text, which `create` turns into an equal one.

        Examples
        --------
        >>> import weightopt_core as wo
        >>> text = wo.lr_scheduler.create("factor", step=10, factor=0.5).dumps()
        >>> text
        '["factorscheduler", {"step": 10, "factor": 0.5}]'
        >>> wo.lr_scheduler.create(text)
        FactorScheduler(step=10, factor=0.5)
        """
        return written.dumps(registry.name_of(type(self)), self.arguments())

    def _check(self) -> None:
        """Raise ValueError where hyperparameters do not go together; for subclasses."""

    def _prepare(self) -> None:
        self._check()

    def _take(self, name: str, value: Any) -> None:
        if self._is_prepared:
            twin = copy.copy(self)
            object.__setattr__(twin, name, value)
            twin._check()

    def __copy__(self) -> LRScheduler:
        """Return a scheduler whose lists, and the schedules that it holds, are its own."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        for name, value in self.given().items():
            vars(twin)[name] = _copied(value)
        return twin


def _copied(value: Any) -> Any:
    return [_copied(item) for item in value] if type(value) is list else copy.copy(value)


def rate_of(scheduler: Callable[[int], Any], num_update: int) -> float:
    """Return the rate that `scheduler` gives, a finite number of at least 0, or raise."""
    rate = scheduler(num_update)
    if type(rate) is not float or not 0 <= rate < math.inf:
        try:
            return float(_RATE.convert(rate)) + 0.0
        except (TypeError, ValueError, OverflowError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            argument = f"rate of {scheduler!r} at num_update {num_update}"
            raise kind(wording(argument, "a finite number of at least 0", repr(rate))) from None
    return rate + 0.0  # -0 becomes 0


_RATE = Real(interval="[0, inf)")

registry = Registry(SCHEDULER.name, SCHEDULER.group, LRScheduler, suffix=SCHEDULER.name)
register = registry.register
alias = registry.alias
create = registry.create
