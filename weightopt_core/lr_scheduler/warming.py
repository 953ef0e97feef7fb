"""Schedulers that warm up, and those of them that fall to a final rate by a given update."""

from __future__ import annotations

from ..algorithm import Conformance
from ..errors import wording
from ..hyperparameters import Choice, Integer, Real
from .base import LRScheduler


class WarmingScheduler(LRScheduler):
    r"""Base class of a scheduler that may warm up first.

    A subclass implements `after_warmup`. Before, at :math:`n < W` updates with ``warmup_steps``
    :math:`W`, the rate is

    .. math::

        lr(n) = \text{warmup\_begin\_lr}
            + (\text{base\_lr} - \text{warmup\_begin\_lr}) \cdot n / W

    or ``warmup_begin_lr`` itself with the mode ``"constant"``.

    Parameters
    ----------
    warmup_steps : int, optional
        How many updates the warm-up takes, at least 0.
    warmup_begin_lr : float, optional
        Where it begins, at least 0.
    warmup_mode : {"linear", "constant"}, optional
        Whether the rate rises along a line or stays.
    base_lr : float, optional
        What the warm-up leads to, at least 0.

    Examples
    --------
    >>> from weightopt_core.lr_scheduler import WarmingScheduler
    >>> class Flat(WarmingScheduler):
    ...     def after_warmup(self, num_update):
    ...         return self.base_lr
    >>> schedule = Flat(base_lr=0.8, warmup_steps=4)
    >>> [schedule(n) for n in (0, 1, 2, 4, 5)]
    [0.0, 0.2, 0.4, 0.8, 0.8]
    """

    warmup_steps = Integer(0, "[0, inf)")
    warmup_begin_lr = Real(0, "[0, inf)")
    warmup_mode = Choice("linear", ("linear", "constant"))

    def __call__(self, num_update: int) -> float:
        """Return the learning rate at `num_update` updates; fewer than 0 count as 0."""
        num_update = max(num_update, 0)
        if num_update >= self.warmup_steps:
            return self.after_warmup(num_update)
        if self.warmup_mode == "constant":
            return self.warmup_begin_lr
        rise = self.peak() - self.warmup_begin_lr
        return self.warmup_begin_lr + rise * num_update / self.warmup_steps

    def peak(self) -> float:
        """Return the rate that the warm-up leads to, by default the initial one."""
        return self.base_lr

    def after_warmup(self, num_update: int) -> float:
        """Return the learning rate at `num_update` updates, the warm-up's among them."""
        raise NotImplementedError(f"{type(self).__name__} must implement after_warmup(num_update)")


class DecayingScheduler(WarmingScheduler):
    r"""Base class of a scheduler that goes from an initial rate to a final one.

    A subclass implements `left`, how much of the way is left at :math:`n` updates:

    .. math::

        lr(n) = \text{final\_lr} + (\text{base\_lr} - \text{final\_lr})
            \cdot left(n - W, \text{max\_update} - W)

    after a warm-up of :math:`W` updates.

    Parameters
    ----------
    max_update : int
        The update by which the final rate is reached, the warm-up included; at least 1 and above
        `warmup_steps`.
    base_lr : float, optional
        The initial learning rate, at least 0.
    final_lr : float, optional
        The last one, at least 0.
    warmup_steps, warmup_begin_lr, warmup_mode : optional
        As in `WarmingScheduler`.

    Examples
    --------
    >>> from weightopt_core.lr_scheduler import DecayingScheduler
    >>> class Parabola(DecayingScheduler):
    ...     def left(self, past, length):
    ...         return max(1 - past / length, 0) ** 2
    >>> Parabola(100, base_lr=0.8)(50)
    0.2
    """

    max_update = Integer(interval="[1, inf)")
    base_lr = Real(0.01, "[0, inf)")
    final_lr = Real(0, "[0, inf)")
    conformance = Conformance(arguments={"max_update": 100})

    def after_warmup(self, num_update: int) -> float:
        """Return the learning rate at `num_update` updates, the warm-up's among them."""
        steps = self.warmup_steps
        left = self.left(num_update - steps, self.max_update - steps)
        return self.final_lr + (self.base_lr - self.final_lr) * left

    def left(self, past: int, length: int) -> float:
        """Return how much of the way from `base_lr` to `final_lr` is left.

        Parameters
        ----------
        past : int
            How many updates the warm-up lies behind; it may exceed `length`.
        length : int
            How many there are from the warm-up to `max_update`.

        Returns
        -------
        float
            From 1, at 0 updates, to 0.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement left(past, length)")

    def _check(self) -> None:
        if self.warmup_steps >= self.max_update:
            expected = f"fewer than max_update={self.max_update!r}"
            raise ValueError(wording("warmup_steps", expected, repr(self.warmup_steps)))
