"""Initializers: the base class, and every installed initializer by its name.

>>> import numpy as np
>>> import weightopt_core as wo
>>> weight = np.empty((2, 3), np.float32)
>>> wo.init.create("xavier", seed=7)("fc1_weight", weight)
"""

from typing import Any

from ..init_desc import InitDesc
from .base import Initializer, alias, create, register, registry
from .drawing import RandomInitializer
from .nested import Nested

__all__ = [
    "InitDesc",
    "Initializer",
    "Nested",
    "RandomInitializer",
    "alias",
    "create",
    "register",
]


def __getattr__(name: str) -> Any:
    return registry.attribute(__name__, name)
