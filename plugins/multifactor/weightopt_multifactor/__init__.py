"""The learning rate times a factor at each of several updates."""

import bisect

from weightopt_core.hyperparameters import Real, Steps
from weightopt_core.lr_scheduler import WarmingScheduler
from weightopt_core.rule import power

__all__ = ["MultiFactorScheduler"]


class MultiFactorScheduler(WarmingScheduler):
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
    warmup_steps, warmup_begin_lr, warmup_mode : optional
        A warm-up, as in `weightopt_core.lr_scheduler.WarmingScheduler`; its updates are counted.

    See Also
    --------
    FactorScheduler : All stairs are of one length.

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

    def after_warmup(self, num_update):
        """Return the learning rate at `num_update` updates."""
        return self.base_lr * power(self.factor, bisect.bisect_left(self.step, num_update))
