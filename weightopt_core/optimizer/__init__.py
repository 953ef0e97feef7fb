"""Optimizers: the base class, and every installed optimizer by its name.

>>> import weightopt_core as wo
>>> wo.optimizer.create("sgd", learning_rate=0.1)
SGD(learning_rate=0.1)
"""

from typing import Any

from .base import Optimizer, alias, create, register, registry
from .clipping import clip_global_norm, global_norm
from .exchanging import Exchanging
from .following import Following
from .host import HostOptimizer
from .nested import Nested
from .scaled import update_scaled
from .updater import Updater, get_updater
from .wrapper import Wrapper

__all__ = [
    "Exchanging",
    "Following",
    "HostOptimizer",
    "Nested",
    "Optimizer",
    "Updater",
    "Wrapper",
    "alias",
    "clip_global_norm",
    "create",
    "get_updater",
    "global_norm",
    "register",
    "update_scaled",
]


def __getattr__(name: str) -> Any:
    return registry.attribute(__name__, name)
