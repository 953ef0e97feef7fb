"""Public names without documentation."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from numpydoc.docscrape import NumpyDocString

from weightopt_core.rule import Rule


def without(modules: Iterable[str], classes: Iterable[type]) -> Iterator[str]:
    """Yield what is not documented: of modules their public names, of algorithms also arguments.

    A rule needs no docstring, because its page shows its source.
    """
    classes = list(classes)
    for name in dict.fromkeys([*modules, *(cls.__module__ for cls in classes)]):
        yield from _of_module(importlib.import_module(name))
    for cls in classes:
        yield from _arguments(cls)


def sections(obj: Any) -> NumpyDocString:
    """Return an object's own docstring in its parts."""
    return NumpyDocString(inspect.cleandoc(obj.__doc__ or ""))


def _of_module(module: ModuleType) -> Iterator[str]:
    if not module.__doc__:
        yield f"{module.__name__}: has no docstring"
    for name in public(module):
        value = getattr(module, name)
        if isinstance(value, Rule) or not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        where = f"{module.__name__}.{name}"
        if not (value.__doc__ or "").strip():
            yield f"{where}: has no docstring"
        if inspect.isclass(value) and value.__module__ == module.__name__:
            yield from _methods(where, value)


def public(module: ModuleType) -> list[str]:
    """Return the public names of a module: those in ``__all__``, or what it defines itself."""
    declared = getattr(module, "__all__", None)
    if declared is not None:
        return list(declared)
    own = vars(module).items()
    return [n for n, v in own if n[0] != "_" and getattr(v, "__module__", "") == module.__name__]


def _methods(where: str, cls: type) -> Iterator[str]:
    """Yield what a class adds to its bases."""
    for name, value in vars(cls).items():
        function = getattr(value, "__func__", getattr(value, "fget", value))
        is_added = name[0] != "_" and not any(hasattr(base, name) for base in cls.__bases__)
        if is_added and inspect.isfunction(function) and not function.__doc__:
            yield f"{where}.{name}: has no docstring"


def _arguments(cls: Any) -> Iterator[str]:
    """Yield arguments that a class adds, or replaces, and does not describe."""
    described = set()
    for parameter in sections(cls)["Parameters"]:
        described |= {name.strip(" *") for name in parameter.name.split(",")}
    inherited = [getattr(base, "hyperparameters", {}) for base in cls.__mro__[1:]]
    for name, declared in cls.hyperparameters.items():
        is_own = all(base.get(name) is not declared for base in inherited)
        if is_own and name not in described:
            yield f"{cls.__module__}.{cls.__name__}: does not describe its argument {name!r}"
