"""The learning rate up to a peak and down again.

Smith and Topin, Super-convergence, 2018, https://arxiv.org/abs/1708.07120.
"""

import math

from weightopt_core import LRScheduler
from weightopt_core.hyperparameters import Choice, Integer, Real

__all__ = ["OneCycleScheduler"]


class OneCycleScheduler(LRScheduler):
    r"""Raise the learning rate from a part of `base_lr` to it, then lower it to far below.

    .. math::

        \frac{\text{base\_lr}}{\text{div\_factor}} \to \text{base\_lr} \to
        \frac{\text{base\_lr}}{\text{div\_factor} \cdot \text{final\_div\_factor}}

    The peak is at :math:`\text{pct\_start} \cdot \text{max\_update}` updates, the end at
    `max_update`. Between two of these rates the way is half a cosine, or a line.

    Parameters
    ----------
    max_update : int
        The update by which the last rate is reached, at least 1.
    base_lr : float, optional
        The highest learning rate, at least 0.
    pct_start : float, optional
        Which part of all updates goes up, in [0, 1].
    anneal_strategy : {"cos", "linear"}, optional
        Along what the rate changes.
    div_factor : float, optional
        How many times below the highest rate the first one is, at least 1.
    final_div_factor : float, optional
        How many times below the first rate the last one is, at least 1.

    See Also
    --------
    CosineScheduler : Down alone, from the highest rate.
    WSDScheduler : The rate is level between the ways up and down.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> schedule = wo.lr_scheduler.OneCycleScheduler(100, base_lr=1.0)
    >>> [round(schedule(n), 9) for n in (0, 15, 30, 65, 100, 101)]
    [0.04, 0.52, 1.0, 0.500002, 4e-06, 4e-06]
    """

    max_update = Integer(interval="[1, inf)")
    base_lr = Real(0.01, "[0, inf)")
    pct_start = Real(0.3, "[0, 1]")
    anneal_strategy = Choice("cos", ("cos", "linear"))
    div_factor = Real(25, "[1, inf)")
    final_div_factor = Real(1e4, "[1, inf)")

    def __call__(self, num_update):
        """Return the learning rate at `num_update` updates."""
        peak, first = self.base_lr, self.base_lr / self.div_factor
        at = self.pct_start * self.max_update
        if num_update < at:
            return self._between(first, peak, max(num_update, 0) / at)
        past, length = min(num_update, self.max_update) - at, self.max_update - at
        return self._between(peak, first / self.final_div_factor, past / length if length else 1)

    def _between(self, one, other, part):
        if self.anneal_strategy == "cos":
            part = (1 - math.cos(math.pi * part)) / 2
        return one + (other - one) * part
