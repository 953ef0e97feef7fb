"""The hyperparameter of initializers that use another one."""

from __future__ import annotations

from typing import Any

from ..hyperparameters import Hyperparameter
from .base import create


class Nested(Hyperparameter):
    """An initializer that another one uses, given in any form that `create` takes."""

    expected = "an initializer, its name or what its dumps() returned"

    def check(self, value: Any) -> Any:
        """Return the initializer; what is wrong with it, `create` says."""
        if value is None and self.optional:
            return None
        try:
            return create(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self.name}: {error}") from error
