"""The learning rate times a factor at each of several updates."""

import bisect
import itertools

from weightopt_core import LRScheduler
from weightopt_core.algorithm import Conformance
from weightopt_core.hyperparameters import Hyperparameter, Real

__all__ = ["MultiFactorScheduler"]


class Steps(Hyperparameter):
    """Growing numbers of updates."""

    expected = "a list of growing integers, each at least 1"

    def convert(self, value):
        """Return a list of its own."""
        if not isinstance(value, (list, tuple)):
            raise TypeError
        steps = [Real(interval="[1, inf)").convert(step) for step in value]
        if not steps or any(later <= step for step, later in itertools.pairwise(steps)):
            raise ValueError
        return steps


class MultiFactorScheduler(LRScheduler):
    r"""Multiply the learning rate by a factor after each of the given numbers of updates.

    .. math::

        lr(n) = \text{base\_lr} \cdot \text{factor}^k, \quad k = |\{s \in step : s < n\}|

    at :math:`n` updates.

    Parameters
    ----------
    step : list of int
        Numbers of updates, growing, each at least 1. The change comes with the update after.
    factor : float, optional
        In [0, 1].
    base_lr : float, optional
        The initial learning rate, at least 0.

    Notes
    -----
    The values are MXNet's for a growing number of updates. MXNet keeps a state and so depends on
    what was asked before; this is a pure function.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> schedule = wo.lr_scheduler.MultiFactorScheduler(step=[10, 20], factor=0.5, base_lr=1.0)
    >>> [schedule(n) for n in (10, 11, 20, 21)]
    [1.0, 0.5, 0.5, 0.25]
    """

    step = Steps()
    factor = Real(1, "[0, 1]")
    conformance = Conformance(arguments={"step": [3, 10]})

    def __call__(self, num_update):
        """Return the learning rate at `num_update` updates."""
        return self.base_lr * self.factor ** bisect.bisect_left(self.step, num_update)
