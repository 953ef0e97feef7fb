"""The learning rate over the root of the number of updates.

Vaswani et al., Attention is all you need, 2017, https://arxiv.org/abs/1706.03762.
"""

import math

from weightopt_core.hyperparameters import Real
from weightopt_core.lr_scheduler import WarmingScheduler

__all__ = ["InverseSqrtScheduler"]


class InverseSqrtScheduler(WarmingScheduler):
    r"""Lower the learning rate by the inverse root of the number of updates.

    .. math::

        lr(n) = \text{base\_lr} \cdot \sqrt{\frac{T}{n - W + T}}

    after a warm-up of :math:`W` updates, with the timescale :math:`T`. With :math:`T = W`, the
    default, that is :math:`\text{base\_lr} \sqrt{W / n}`, as in the paper.

    Parameters
    ----------
    base_lr : float, optional
        The highest learning rate, at least 0.
    timescale : float, optional
        After 3 times so many updates the rate is half of what it was; above 0. By default
        `warmup_steps`, or 10000 without a warm-up.
    warmup_steps, warmup_begin_lr, warmup_mode : optional
        A warm-up, as in `weightopt_core.lr_scheduler.WarmingScheduler`.

    See Also
    --------
    ExponentialScheduler : The rate falls by the same part in equal times.

    Notes
    -----
    The paper's peak is :math:`(d W)^{-1/2}` for a model of width :math:`d`.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> schedule = wo.lr_scheduler.InverseSqrtScheduler(base_lr=0.8, warmup_steps=100)
    >>> [schedule(n) for n in (50, 100, 400, 1600)]
    [0.4, 0.8, 0.4, 0.2]
    """

    base_lr = Real(0.01, "[0, inf)")
    timescale = Real(None, "(0, inf)", optional=True)

    def after_warmup(self, num_update):
        """Return the learning rate at `num_update` updates."""
        timescale = self.timescale or self.warmup_steps or 10000
        return self.base_lr * math.sqrt(timescale / (num_update - self.warmup_steps + timescale))
