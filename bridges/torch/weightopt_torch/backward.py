"""What is done with a parameter as soon as its gradient is complete."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

import torch


class Watch:
    """Calls a method of an optimizer with each parameter whose gradient is complete.

    Parameters
    ----------
    method : bound method
        Hooks of parameters keep neither it nor its object alive.
    """

    def __init__(self, method: Callable[[torch.Tensor], None]):
        self._method = weakref.WeakMethod(method)
        self._handles: dict[torch.Tensor, Any] = {}

    def over(self, parameters: Iterable[torch.Tensor]) -> None:
        """Watch these too. A frozen one is not watched, and waits for `step` if it is thawed."""
        method = self._method

        def call(parameter: torch.Tensor) -> None:
            found = method()
            if found is not None:
                found(parameter)

        for parameter in parameters:
            if parameter.requires_grad and parameter not in self._handles:
                self._handles[parameter] = parameter.register_post_accumulate_grad_hook(call)
