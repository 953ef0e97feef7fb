"""A warm-up before any other schedule."""

from weightopt_core.hyperparameters import Choice, Integer, Real
from weightopt_core.lr_scheduler import InitialRate, Schedule, WarmingScheduler, rate_of

__all__ = ["WarmupScheduler"]


class WarmupScheduler(WarmingScheduler):
    r"""Lead to where another schedule begins, then follow that.

    .. math::

        lr(n) = \begin{cases}
            \text{warmup\_begin\_lr} + (s(0) - \text{warmup\_begin\_lr}) \cdot n / W & n < W \\
            s(n - W) & n \ge W
        \end{cases}

    for a schedule :math:`s` and ``warmup_steps`` :math:`W`; with the mode ``"constant"`` it is
    ``warmup_begin_lr`` at first.

    Parameters
    ----------
    schedule : LRScheduler, str, list or callable
        The other one: a scheduler, its name, what its dumps() returned, or a function of the
        number of updates. It counts from the end of the warm-up.
    warmup_steps : int
        How many updates the warm-up takes, at least 0.
    warmup_begin_lr : float, optional
        Where it begins, at least 0.
    warmup_mode : {"linear", "constant"}, optional
        Whether the rate rises along a line or stays.
    base_lr : float, optional
        The initial rate of the other schedule.

    See Also
    --------
    SequenceScheduler : Any schedules one after the other.
    ConstantScheduler : One rate, with a warm-up of its own.

    Notes
    -----
    The ``warmup_steps`` that schedulers such as ``cosine`` have themselves are part of their
    ``max_update``; here they come before.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> schedule = wo.lr_scheduler.create(
    ...     "warmup", schedule=["factor", {"step": 10, "factor": 0.5}], warmup_steps=4, base_lr=0.8
    ... )
    >>> [schedule(n) for n in (0, 1, 4, 14, 15)]
    [0.0, 0.2, 0.8, 0.8, 0.4]
    """

    schedule = Schedule()
    warmup_steps = Integer(interval="[0, inf)")
    warmup_begin_lr = Real(0, "[0, inf)")
    warmup_mode = Choice("linear", ("linear", "constant"))
    base_lr = InitialRate()

    def peak(self):
        """Return the rate that the warm-up leads to."""
        return rate_of(self.schedule, 0)

    def after_warmup(self, num_update):
        """Return the learning rate at `num_update` updates."""
        return rate_of(self.schedule, num_update - self.warmup_steps)
