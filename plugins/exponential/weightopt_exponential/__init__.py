"""The learning rate times a power of a factor."""

from weightopt_core.hyperparameters import Real
from weightopt_core.lr_scheduler import WarmingScheduler
from weightopt_core.rule import power

__all__ = ["ExponentialScheduler"]


class ExponentialScheduler(WarmingScheduler):
    r"""Lower the learning rate by the same factor with every update.

    .. math::

        lr(n) = \max(\text{base\_lr} \cdot \text{factor}^{(n - W) / \text{step}}, \text{final\_lr})

    after a warm-up of :math:`W` updates. It is the smooth form of ``factor``, which changes the
    rate once in so many updates.

    Parameters
    ----------
    factor : float
        In (0, 1].
    step : float, optional
        In how many updates the rate falls by the factor, above 0.
    final_lr : float, optional
        The learning rate falls no further than to this, at least 0.
    base_lr : float, optional
        The initial learning rate, at least 0.
    warmup_steps, warmup_begin_lr, warmup_mode : optional
        A warm-up, as in `weightopt_core.lr_scheduler.WarmingScheduler`.

    See Also
    --------
    FactorScheduler : The same in stairs.
    InverseSqrtScheduler : The rate falls ever more slowly.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> schedule = wo.lr_scheduler.ExponentialScheduler(0.5, step=10, final_lr=0.1, base_lr=0.8)
    >>> [schedule(n) for n in (0, 10, 20, 40)]
    [0.8, 0.4, 0.2, 0.1]
    """

    factor = Real(interval="(0, 1]")
    step = Real(1, "(0, inf)")
    final_lr = Real(0, "[0, inf)")

    def after_warmup(self, num_update):
        """Return the learning rate at `num_update` updates."""
        changes = (num_update - self.warmup_steps) / self.step
        return max(self.base_lr * power(self.factor, changes), self.final_lr)
