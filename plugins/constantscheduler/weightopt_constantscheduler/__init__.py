"""One learning rate, after a warm-up if that is asked for."""

from weightopt_core.hyperparameters import Real
from weightopt_core.lr_scheduler import WarmingScheduler

__all__ = ["ConstantScheduler"]


class ConstantScheduler(WarmingScheduler):
    r"""Keep the learning rate.

    .. math::

        lr(n) = \text{base\_lr}

    Parameters
    ----------
    base_lr : float, optional
        The learning rate, at least 0.
    warmup_steps, warmup_begin_lr, warmup_mode : optional
        A warm-up, as in `weightopt_core.lr_scheduler.WarmingScheduler`.

    See Also
    --------
    WarmupScheduler : A warm-up before any other schedule.
    LinearScheduler : The rate goes down a line.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> schedule = wo.lr_scheduler.create("constant", base_lr=0.8, warmup_steps=4)
    >>> [schedule(n) for n in (0, 1, 4, 100)]
    [0.0, 0.2, 0.8, 0.8]
    """

    base_lr = Real(0.01, "[0, inf)")

    def after_warmup(self, num_update):
        """Return the learning rate."""
        return self.base_lr
