"""The learning rate times a factor for every so many updates."""

import math

from weightopt_core.hyperparameters import Real
from weightopt_core.lr_scheduler import WarmingScheduler
from weightopt_core.rule import power

__all__ = ["FactorScheduler"]


class FactorScheduler(WarmingScheduler):
    r"""Multiply the learning rate by a factor after every `step` updates.

    .. math::

        lr(n) = \max(\text{base\_lr} \cdot \text{factor}^k, \text{stop\_factor\_lr}),
        \quad k = \lceil n / step \rceil - 1

    at :math:`n` updates, and ``base_lr`` itself until the first change, :math:`k \le 0`.

    Parameters
    ----------
    step : int
        How many updates pass between two changes, at least 1.
    factor : float, optional
        In [0, 1].
    stop_factor_lr : float, optional
        The learning rate falls no further than to this, at least 0.
    base_lr : float, optional
        The initial learning rate, at least 0.
    warmup_steps, warmup_begin_lr, warmup_mode : optional
        A warm-up, as in `weightopt_core.lr_scheduler.WarmingScheduler`; its updates are counted.

    See Also
    --------
    MultiFactorScheduler : The stairs are where a list says.
    ExponentialScheduler : The same without stairs.

    Notes
    -----
    The values are MXNet's for a growing number of updates: the change comes with update
    ``step + 1``. MXNet keeps a state and so depends on what was asked before; this is a pure
    function.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> schedule = wo.lr_scheduler.FactorScheduler(step=100, factor=0.9, base_lr=0.1)
    >>> schedule(100), schedule(101), round(schedule(201), 9)
    (0.1, 0.09000000000000001, 0.081)
    """

    step = Real(interval="[1, inf)")
    factor = Real(1, "[0, 1]")
    stop_factor_lr = Real(1e-8, "[0, inf)")

    def after_warmup(self, num_update):
        """Return the learning rate at `num_update` updates."""
        changes = math.ceil(num_update / self.step) - 1
        if changes < 1:
            return self.base_lr
        return max(self.base_lr * power(self.factor, changes), self.stop_factor_lr)
