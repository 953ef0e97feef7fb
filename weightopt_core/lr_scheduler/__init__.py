"""Learning-rate schedulers: the base classes, and every installed scheduler by its name.

>>> import weightopt_core as wo
>>> schedule = wo.lr_scheduler.create("factor", step=10, factor=0.5, base_lr=0.8)
>>> schedule(11)
0.4
"""

from typing import Any

from .base import LRScheduler, alias, create, rate_of, register, registry
from .nested import InitialRate, Schedule, start_from
from .warming import DecayingScheduler, WarmingScheduler

__all__ = [
    "DecayingScheduler",
    "InitialRate",
    "LRScheduler",
    "Schedule",
    "WarmingScheduler",
    "alias",
    "create",
    "rate_of",
    "register",
    "registry",
    "start_from",
]


def __getattr__(name: str) -> Any:
    return registry.attribute(__name__, name)
