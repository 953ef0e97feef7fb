"""One schedule after the other."""

import bisect

from weightopt_core import LRScheduler
from weightopt_core.errors import wording
from weightopt_core.hyperparameters import ListOf, Steps
from weightopt_core.lr_scheduler import InitialRate, Schedule, rate_of

__all__ = ["SequenceScheduler"]


class SequenceScheduler(LRScheduler):
    r"""Follow one schedule until a given update, and from there the next, which counts anew.

    .. math::

        lr(n) = s_k(n - \text{step}_k), \quad k = |\{i : \text{step}_i \le n\}|

    for schedules :math:`s_0, s_1, ...`, with :math:`\text{step}_0 = 0`.

    Parameters
    ----------
    schedules : list
        Two or more: schedulers, names, what their dumps() returned, or functions of the number of
        updates.
    step : list of int
        Numbers of updates, growing, each at least 1, one fewer than schedules. There the next one
        begins, with a count of 0.
    base_lr : float, optional
        The initial rate of all of them; without it each has its own.

    Raises
    ------
    ValueError
        The lists do not fit each other.

    See Also
    --------
    WarmupScheduler : The case of a warm-up and one schedule.
    ScaleScheduler : One schedule, times a factor.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> halving = ["factor", {"step": 10, "factor": 0.5}]
    >>> schedule = wo.lr_scheduler.create("sequence", schedules=[halving, halving], step=[20])
    >>> schedule.base_lr = 0.8
    >>> [schedule(n) for n in (10, 11, 19, 20, 30, 31)]
    [0.8, 0.4, 0.4, 0.8, 0.8, 0.4]
    """

    schedules = ListOf(Schedule())
    step = Steps()
    base_lr = InitialRate()

    def __call__(self, num_update):
        """Return the learning rate at `num_update` updates."""
        present = bisect.bisect_right(self.step, num_update)
        begun = self.step[present - 1] if present else 0
        return rate_of(self.schedules[present], num_update - begun)

    def _check(self):
        count = len(self.schedules) - 1
        if len(self.step) != count:
            expected = f"one fewer than schedules, {count}"
            raise ValueError(wording("step", expected, str(len(self.step))))
