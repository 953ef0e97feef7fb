"""Where arrays live and kernels run. Every backend is a module with the same functions."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ..errors import wording
from . import cpu


def backend_of(array: Any, argument: str = "weight") -> ModuleType:
    """Return the backend that `array` belongs to.

    Raises
    ------
    TypeError
        No backend takes it.
    """
    if cpu.accepts(array):
        return cpu
    raise TypeError(
        wording(
            argument,
            "an array",
            type(array).__name__,
            "pass a NumPy array or one that shares its memory",
        )
    )
