"""The hyperparameter of optimizers that hold another one."""

from __future__ import annotations

import copy
from typing import Any

from .. import hyperparameters
from ..errors import wording
from .base import Optimizer, create


class Nested(hyperparameters.Nested):
    """An optimizer that another one holds: an object, its name, or what its `dumps` returned.

    Of an object a copy is held, so that nobody else changes it; the copy goes on from its counts.
    """

    noun = "an optimizer"

    def made(self, value: Any) -> Any:
        """Return the optimizer that `value` stands for."""
        if isinstance(value, Optimizer):
            return copy.copy(value)
        if isinstance(value, (str, list)):
            return create(value)  # type: ignore[arg-type]
        raise TypeError(wording("optimizer", self.description, repr(value)))
