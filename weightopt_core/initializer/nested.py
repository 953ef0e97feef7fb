"""The hyperparameter of initializers that use another one."""

from __future__ import annotations

from typing import Any

from .. import hyperparameters
from .base import create


class Nested(hyperparameters.Nested):
    """An initializer that another one uses, given in any form that `create` takes."""

    noun = "an initializer"

    def made(self, value: Any) -> Any:
        """Return the initializer that `value` stands for."""
        return create(value)
