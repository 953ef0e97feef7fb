"""The learning rate down a line."""

from weightopt_core.lr_scheduler import DecayingScheduler

__all__ = ["LinearScheduler"]


class LinearScheduler(DecayingScheduler):
    r"""Lower the learning rate along a line, or raise it.

    .. math::

        lr(n) = \text{base\_lr} + (\text{final\_lr} - \text{base\_lr})
            \cdot \frac{n - W}{\text{max\_update} - W}

    after a warm-up of :math:`W` updates, and ``final_lr`` from `max_update` on.

    Parameters
    ----------
    max_update : int
        The update by which `final_lr` is reached, the warm-up included; at least 1 and above
        `warmup_steps`.
    base_lr : float, optional
        The initial learning rate, at least 0.
    final_lr : float, optional
        The last learning rate, at least 0.
    warmup_steps, warmup_begin_lr, warmup_mode : optional
        A warm-up, as in `weightopt_core.lr_scheduler.WarmingScheduler`.

    See Also
    --------
    PolyScheduler : The line is raised to a power.
    ConstantScheduler : The rate stays.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> schedule = wo.lr_scheduler.LinearScheduler(100, base_lr=0.8)
    >>> [schedule(n) for n in (0, 50, 75, 100)]
    [0.8, 0.4, 0.2, 0.0]
    """

    def left(self, past, length):
        """Return how much of the way is left, `past` updates after the warm-up."""
        return max(1 - past / length, 0)
