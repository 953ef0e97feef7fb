"""What checks are run on: a class of algorithms, and what the kit has to know about it."""

from __future__ import annotations

import contextlib
import unittest
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .. import initializer, lr_scheduler, optimizer
from ..errors import wording
from ..registry import Registry
from ..rule import Rule
from . import values

REGISTRIES = (optimizer.registry, initializer.registry, lr_scheduler.registry)


class Subject:
    """A class under test.

    Parameters
    ----------
    cls : type
        An optimizer, initializer or scheduler.

    Attributes
    ----------
    registry : Registry
        The registry of its kind.
    arguments : dict
        What its constructor must be given: declared in ``conformance``, or made from ranges.
    shape : tuple of int
        What an initializer fills.
    """

    def __init__(self, cls: Any):
        self.cls = cls
        self.registry = registry_of(cls)
        self.arguments = values.required(cls.hyperparameters) | dict(cls.conformance.arguments)
        self.shape = cls.conformance.shape
        if cls.conformance.host_only and getattr(cls, "rule", None) is not None:
            got = "host_only=True"
            remedy = "its rule runs on every device"
            raise ValueError(wording("conformance", "no host_only", got, remedy))

    def shaped(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of a weight with as many dimensions as an optimizer needs."""
        return (1,) * (self.cls.conformance.dimensions - len(shape)) + shape

    @property
    def own(self) -> dict[str, Any]:
        """The hyperparameters that the class adds to those of its base class, or replaces."""
        common = self.registry.base.hyperparameters  # type: ignore[attr-defined]
        return {k: v for k, v in self.cls.hyperparameters.items() if common.get(k) is not v}

    def create(self, **given: Any) -> Any:
        """Return a new instance with what it must be given, and with `given`.

        What all of its kind have, and it does not take, as it belongs to what it holds, is set.
        """
        common = self.registry.base.hyperparameters.keys()  # type: ignore[attr-defined]
        later = (common & given.keys()) - self.cls.hyperparameters.keys()
        own = {name: value for name, value in given.items() if name not in later}
        instance = self.cls(**(self.arguments | own))
        for name in sorted(later):  # a learning rate is set before its scheduler
            setattr(instance, name, given[name])
        return instance

    def variants(self, hyperparameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return arguments that set one hyperparameter each, to each legal value.

        Those that its author gives are left out: what goes with others, no declaration tells.
        """
        given = self.cls.conformance.arguments
        free = {name: one for name, one in hyperparameters.items() if name not in given}
        return [{name: value} for name, one in free.items() for value in values.legal(one)]

    @contextlib.contextmanager
    def findable(self) -> Iterator[Registry]:
        """Let the registry know the class within a ``with`` block, installed or not."""
        with self.registry.isolated() as registry:
            try:
                registry.name_of(self.cls)
            except TypeError:
                registry._registered[registry.key(self.cls.__name__)] = self.cls
            yield registry

    def settings(self) -> list[dict[str, Any]]:
        """Return arguments that lead to each of its rules."""
        own = {name: declared for name, declared in self.own.items() if name not in self.arguments}
        own.pop("multi_precision", None)
        return values.combinations(own)

    def each_rule(self) -> list[dict[str, Any]]:
        """Return arguments that lead to each of its rules: one of those that lead to the same.

        Others differ in the numbers of the rule. Where it replaces methods of its base class,
        which may look at any argument, all are returned.
        """
        settings, base = self.settings(), self.registry.base
        methods = {name for name in dir(base) if name[:2] != "__" and callable(getattr(base, name))}
        own = {name for cls in self.cls.__mro__ if not issubclass(base, cls) for name in vars(cls)}
        if own & methods:
            return settings
        return list({self.create(**given).rule: given for given in settings}.values())

    def rule(self, **given: Any) -> Rule:
        """Return the rule that it steps by; a check that needs one ends here if there is none."""
        rule = self.create(**given).rule
        if rule is None:
            raise unittest.SkipTest("it has no rule")
        return rule


@contextlib.contextmanager
def naming_host_only() -> Iterator[None]:
    """Add to an error on a device what an author may have forgotten to declare."""
    try:
        yield
    except Exception as error:
        remedy = "if it is for NumPy arrays alone, declare Conformance(host_only=True)"
        raise AssertionError(f"{type(error).__name__}: {error}; {remedy}") from error


def refusal(call: Callable[[], Any]) -> str | None:
    """Return what `call` says when it refuses its arguments, or None where it does not."""
    try:
        call()
    except (TypeError, ValueError) as error:
        return str(error) or type(error).__name__
    return None


def registry_of(cls: Any) -> Registry:
    """Return the registry of the kind that a class is of."""
    for registry in REGISTRIES:
        if isinstance(cls, type) and issubclass(cls, registry.base):
            return registry
    raise TypeError(f"expected a class of optimizers, initializers or schedulers, got {cls!r}")
