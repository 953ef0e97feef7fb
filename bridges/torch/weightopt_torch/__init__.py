"""Every optimizer of weightopt as a torch.optim.Optimizer."""

from __future__ import annotations

from typing import Any

import weightopt_core as _core

from .optimizer import Optimizer, class_of
from .team import share_threads

__all__ = ["Optimizer", "create"]


def create(name: str, params: Any, lr: Any = None, weight_decay: Any = None, **settings: Any) -> Optimizer:
    return class_of(_core.optimizer.registry.find(name))(params, lr, weight_decay, **settings)


def __getattr__(name: str) -> Any:
    return class_of(_core.optimizer.registry.attribute(__name__, name))


share_threads()
