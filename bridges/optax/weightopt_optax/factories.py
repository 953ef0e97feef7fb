"""For each optimizer a function that knows its hyperparameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import weightopt_core as wo

from .transformation import Transformation, transform

#: In the signature of what `factory` returns: leave the hyperparameter as it is by default.
_DEFAULT = type("Default", (), {"__repr__": lambda self: "default"})()


def factory(name: str, module: str) -> Callable[..., Transformation]:
    """Return `transform` of the optimizer class of this name, with its parameters as signature.

    So `optax.inject_hyperparams` knows them.

    Raises
    ------
    AttributeError
        No such class is installed.
    """
    cls = None if name.startswith("_") else getattr(wo.optimizer, name, None)
    if not (isinstance(cls, type) and issubclass(cls, wo.Optimizer) and cls is not wo.Optimizer):
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    def made(*args: Any, **given: Any) -> Transformation:
        bound = made.__signature__.bind(*args, **given).arguments  # type: ignore[attr-defined]
        chosen = {key: value for key, value in bound.items() if value is not _DEFAULT}
        return transform(cls, **chosen)

    common = list(inspect.signature(transform).parameters)[2:-1]
    names = ["learning_rate", *common, *cls.hyperparameters]
    kinds = inspect.Parameter.KEYWORD_ONLY
    made.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(key, kinds, default=_DEFAULT) for key in dict.fromkeys(names)]
    )
    made.__name__ = made.__qualname__ = name
    made.__doc__ = f"Return `weightopt_optax.transform({name!r}, ...)`; hyperparameters by keyword."
    return made
