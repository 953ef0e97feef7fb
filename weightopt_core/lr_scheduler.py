"""Learning-rate schedulers: the base class, and every installed scheduler by its name."""

from __future__ import annotations

from typing import Any

from .algorithm import Algorithm
from .hyperparameters import Real
from .registry import Registry


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
    >>> import weightopt_core as mx
    >>> class Halving(mx.lr_scheduler.LRScheduler):
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


registry = Registry("scheduler", "weightopt.lr_schedulers", LRScheduler, suffix="scheduler")
register = registry.register
alias = registry.alias
create = registry.create


def __getattr__(name: str) -> Any:
    return registry.attribute(__name__, name)
