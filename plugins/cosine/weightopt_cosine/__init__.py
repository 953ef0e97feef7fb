"""The learning rate down half a cosine, once or with warm restarts.

Loshchilov and Hutter, SGDR, 2017, https://arxiv.org/abs/1608.03983.
"""

import math

from weightopt_core.hyperparameters import Integer, Real
from weightopt_core.lr_scheduler import DecayingScheduler
from weightopt_core.rule import power

__all__ = ["CosineScheduler"]


class CosineScheduler(DecayingScheduler):
    r"""Lower the learning rate along half a cosine, and begin again if that is asked for.

    .. math::

        lr(n) = \text{final\_lr} + (\text{base\_lr} - \text{final\_lr})
            \cdot \text{peak\_factor}^i \cdot \frac{1 + \cos(\pi n_i / T_i)}{2}

    in the cycle :math:`i = 0, 1, ...` of :math:`T_i = T_0 \cdot \text{cycle\_factor}^i` updates,
    of which :math:`n_i` have been. The first begins with the end of the warm-up and takes until
    `max_update`. The update that ends a cycle begins the next one; after the last the rate stays
    at `final_lr`.

    Parameters
    ----------
    max_update : int
        The update that ends the first cycle, the warm-up included; at least 1 and above
        `warmup_steps`.
    base_lr : float, optional
        The initial learning rate, at least 0.
    final_lr : float, optional
        Where a cycle ends, at least 0.
    cycles : int, optional
        How many there are, at least 1.
    cycle_factor : float, optional
        How many times longer each is than the one before, at least 1.
    peak_factor : float, optional
        What is left of the height above `final_lr` from one cycle to the next, in [0, 1].
    warmup_steps, warmup_begin_lr, warmup_mode : optional
        A warm-up, as in `weightopt_core.lr_scheduler.WarmingScheduler`.

    See Also
    --------
    PolyScheduler : A power of what is left, without restarts.
    OneCycleScheduler : It goes up first.
    WSDScheduler : The rate is level until shortly before the end.

    Notes
    -----
    With one cycle the arguments and the values are those of MXNet 1.9.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> schedule = wo.lr_scheduler.CosineScheduler(100, base_lr=0.8)
    >>> [round(schedule(n), 9) for n in (0, 50, 100, 101)]
    [0.8, 0.4, 0.0, 0.0]
    >>> again = wo.lr_scheduler.CosineScheduler(100, base_lr=0.8, cycles=2, peak_factor=0.5)
    >>> [round(again(n), 9) for n in (50, 99, 100, 150, 200)]
    [0.4, 0.000197376, 0.4, 0.2, 0.0]
    """

    max_update = Integer(interval="[1, inf)")
    base_lr = Real(0.01, "[0, inf)")
    final_lr = Real(0, "[0, inf)")
    cycles = Integer(1, "[1, inf)", kw_only=True)
    cycle_factor = Real(1, "[1, inf)", kw_only=True)
    peak_factor = Real(1, "[0, 1]", kw_only=True)

    def left(self, past, length):
        """Return how much of the way down is left, `past` updates after the warm-up."""
        cycle = min(past // length, self.cycles - 1) if self.cycle_factor == 1 else 0
        past -= cycle * length
        while past >= length and cycle < self.cycles - 1 and self.cycle_factor > 1:
            cycle, past, length = cycle + 1, past - length, length * self.cycle_factor
        peak = power(self.peak_factor, cycle)
        return peak * (1 + math.cos(math.pi * min(past / length, 1))) / 2
