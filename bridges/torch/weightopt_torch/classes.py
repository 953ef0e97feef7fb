"""A class of torch's kind for each class of the core."""

from __future__ import annotations

from typing import Any

from .optimizer import Optimizer

_CLASSES: dict[Any, type[Optimizer]] = {}


def class_of(algorithm: Any) -> type[Optimizer]:
    """Return the subclass of `Optimizer` that steps with `algorithm`."""
    if algorithm not in _CLASSES:
        name = algorithm.__name__
        made = {"algorithm": algorithm, "__module__": __package__, "__qualname__": name}
        _CLASSES[algorithm] = type(name, (Optimizer,), made)
    return _CLASSES[algorithm]
