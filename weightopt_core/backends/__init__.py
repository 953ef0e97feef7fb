"""Where arrays live and kernels run. Every backend is a module with the same functions."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from ..errors import wording
from . import cpu


def backend_of(array: Any, argument: str = "weight") -> ModuleType:
    """Return the backend that `array` belongs to.

    Raises
    ------
    TypeError
        No backend takes it.
    """
    if type(array) is np.ndarray:
        return cpu
    # By its name, so that whoever has no such array never imports pyopencl.
    if any(base.__module__.partition(".")[0] == "pyopencl" for base in type(array).__mro__):
        from . import opencl

        if opencl.accepts(array):
            return opencl
    if cpu.accepts(array):
        return cpu
    raise TypeError(
        wording(
            argument,
            "an array",
            type(array).__name__,
            "pass a NumPy array, one that shares its memory, or a pyopencl.array.Array",
        )
    )
