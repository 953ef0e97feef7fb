"""The learning rate down a power of what is left."""

from weightopt_core.hyperparameters import Integer, Real
from weightopt_core.lr_scheduler import DecayingScheduler
from weightopt_core.rule import power

__all__ = ["PolyScheduler"]


class PolyScheduler(DecayingScheduler):
    r"""Lower the learning rate along a power of how many updates are left.

    .. math::

        lr(n) = \text{final\_lr} + (\text{base\_lr} - \text{final\_lr})
            \cdot \left(1 - \frac{n - W}{\text{max\_update} - W}\right)^{\text{pwr}}

    after a warm-up of :math:`W` updates, and ``final_lr`` from `max_update` on.

    Parameters
    ----------
    max_update : int
        The update by which `final_lr` is reached, the warm-up included; at least 1 and above
        `warmup_steps`.
    base_lr : float, optional
        The initial learning rate, at least 0.
    pwr : float, optional
        The power, above 0; 1 gives a line.
    final_lr : float, optional
        The last learning rate, at least 0.
    warmup_steps, warmup_begin_lr, warmup_mode : optional
        A warm-up, as in `weightopt_core.lr_scheduler.WarmingScheduler`.

    See Also
    --------
    LinearScheduler : The power is 1.
    CosineScheduler : Half a cosine, flat at both ends.

    Notes
    -----
    The arguments and the values are those of MXNet 1.9.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> schedule = wo.lr_scheduler.PolyScheduler(100, base_lr=0.8)
    >>> [schedule(n) for n in (0, 50, 75, 100)]
    [0.8, 0.2, 0.05, 0.0]
    """

    max_update = Integer(interval="[1, inf)")
    base_lr = Real(0.01, "[0, inf)")
    pwr = Real(2, "(0, inf)")
    final_lr = Real(0, "[0, inf)")

    def left(self, past, length):
        """Return how much of the way down is left, `past` updates after the warm-up."""
        return power(max(1 - past / length, 0), self.pwr)
