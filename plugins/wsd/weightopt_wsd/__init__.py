"""The learning rate up, level for long, and down at the end.

Hu et al., MiniCPM, 2024, https://arxiv.org/abs/2404.06395, and Haegele et al., 2024,
https://arxiv.org/abs/2405.18392, for the ways down.
"""

import math

from weightopt_core.algorithm import Conformance
from weightopt_core.errors import wording
from weightopt_core.hyperparameters import Choice, Integer, Real
from weightopt_core.lr_scheduler import DecayingScheduler

__all__ = ["WSDScheduler"]


class WSDScheduler(DecayingScheduler):
    r"""Warm up, keep the learning rate, and lower it in the last updates.

    .. math::

        lr(n) = \text{final\_lr} + (\text{base\_lr} - \text{final\_lr}) \cdot d(x),
        \quad x = \min\left(\frac{\text{max\_update} - n}{\text{decay\_steps}}, 1\right)

    after the warm-up, with :math:`d(x) = x`, :math:`(1 - \cos \pi x) / 2` or
    :math:`1 - \sqrt{1 - x}`; and ``final_lr`` from `max_update` on.

    Parameters
    ----------
    max_update : int
        The update by which `final_lr` is reached, at least 1.
    decay_steps : int
        How many updates the way down takes, at least 1. With `warmup_steps` they are at most
        `max_update`.
    base_lr : float, optional
        The learning rate in between, at least 0.
    final_lr : float, optional
        The last learning rate, at least 0.
    decay_mode : {"linear", "cosine", "1-sqrt"}, optional
        The way down.
    warmup_steps, warmup_begin_lr, warmup_mode : optional
        The warm-up, as in `weightopt_core.lr_scheduler.WarmingScheduler`.

    See Also
    --------
    OneCycleScheduler : The rate goes down as soon as it has gone up.
    CosineScheduler : The rate falls all the time.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> schedule = wo.lr_scheduler.create(
    ...     "wsd", max_update=100, decay_steps=20, base_lr=0.8, warmup_steps=10
    ... )
    >>> [schedule(n) for n in (5, 10, 80, 90, 100)]
    [0.4, 0.8, 0.8, 0.4, 0.0]
    """

    max_update = Integer(interval="[1, inf)")
    decay_steps = Integer(interval="[1, inf)")
    base_lr = Real(0.01, "[0, inf)")
    final_lr = Real(0, "[0, inf)")
    decay_mode = Choice("linear", ("linear", "cosine", "1-sqrt"))
    conformance = Conformance(arguments={"max_update": 100, "decay_steps": 20})

    def left(self, past, length):
        """Return how much of the way down is left, `past` updates after the warm-up."""
        left = min(max(length - past, 0) / self.decay_steps, 1)
        if self.decay_mode == "cosine":
            return (1 - math.cos(math.pi * left)) / 2
        return left if self.decay_mode == "linear" else 1 - math.sqrt(1 - left)

    def _check(self):
        super()._check()
        most = self.max_update - self.warmup_steps
        if self.decay_steps > most:
            expected = f"at most max_update - warmup_steps, {most}"
            raise ValueError(wording("decay_steps", expected, repr(self.decay_steps)))
