"""Any other schedule times a factor."""

from weightopt_core import LRScheduler
from weightopt_core.hyperparameters import Real
from weightopt_core.lr_scheduler import InitialRate, Schedule, rate_of

__all__ = ["ScaleScheduler"]


class ScaleScheduler(LRScheduler):
    r"""Multiply what another schedule gives.

    .. math::

        lr(n) = \text{factor} \cdot s(n)

    for a schedule :math:`s`.

    Parameters
    ----------
    schedule : LRScheduler, str, list or callable
        The other one: a scheduler, its name, what its dumps() returned, or a function of the
        number of updates.
    factor : float
        At least 0.
    base_lr : float, optional
        The initial rate of the other schedule.

    See Also
    --------
    SequenceScheduler : Several schedules, one after the other.
    WarmupScheduler : A warm-up before a schedule that is otherwise as it is.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> schedule = wo.lr_scheduler.ScaleScheduler(lambda n: 0.8 / (1 + n), factor=0.5)
    >>> [schedule(n) for n in (0, 1, 3)]
    [0.4, 0.2, 0.1]
    """

    schedule = Schedule()
    factor = Real(interval="[0, inf)")
    base_lr = InitialRate()

    def __call__(self, num_update):
        """Return the learning rate at `num_update` updates."""
        return self.factor * rate_of(self.schedule, num_update)
