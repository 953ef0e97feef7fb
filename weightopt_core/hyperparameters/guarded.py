"""Hyperparameters of optimizers that what else is set, or was done, may keep from being set."""

from __future__ import annotations

from typing import Any

from ..errors import wording
from .intervals import Real


class LearningRate(Real):
    """The learning rate of an optimizer, which cannot be set while a scheduler gives it.

    Reading it gives the rate in use. What was set, or else the default, is in ``_rate``, which a
    step reads without a call.
    """

    computed = True

    @property
    def stored(self) -> str:
        """The name of the attribute that holds what was set."""
        return "_rate"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self.default
        return instance._rate_at_present()

    def __set__(self, instance: Any, value: Any) -> None:
        # Unlike vars(), this leaves the instance without a dict of its own, which reads faster.
        object.__setattr__(instance, self.stored, value)

    def allow(self, instance: Any, value: Any) -> None:
        if instance.lr_scheduler is not None:
            raise ValueError(
                "learning_rate: expected no lr_scheduler, got a value beside one; "
                "set lr_scheduler.base_lr, or lr_scheduler to None first"
            )


class Momentum(Real):
    """The momentum of an optimizer whose state has another form with a momentum than without.

    Once the momentum was above 0, the optimizer's ``_has_momentum`` is True, and the momentum may
    be 0 at any time. It cannot be raised from 0 for weights that were updated without one.
    """

    def allow(self, instance: Any, value: Any) -> None:
        if not value or instance._has_momentum:
            return
        if instance._is_prepared and instance._index_update_count:
            remedy = (
                "create the optimizer with a momentum above 0 and set it to 0 before the first "
                "update, or call reset() and create new states"
            )
            raise ValueError(wording(self.name, "0 after updates without", repr(value), remedy))
        instance._has_momentum = True
