"""From checks to cases: each check of a class's kind, on each device."""

from __future__ import annotations

import contextlib
import unittest
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .. import initializer, lr_scheduler, optimizer, random
from ..errors import nearest
from .arrays import Maker, makers
from .subject import REGISTRIES, Subject, registry_of


@dataclass(frozen=True)
class Case:
    """One check of one class, on one device where it needs arrays; call it to run it.

    Attributes
    ----------
    subject : Subject
        The class under test.
    name : str
        The check's name.
    maker : Maker or None
        The device's arrays.
    reason : str
        Why it is expected to fail; empty where it is not.
    """

    subject: Subject
    function: Callable[..., None]
    maker: Maker | None
    reason: str = ""

    @property
    def name(self) -> str:
        return self.function.__name__

    def __str__(self) -> str:
        parts = [self.subject.cls.__name__, self.name, self.maker.name if self.maker else ""]
        return "-".join(part for part in parts if part)

    def __call__(self) -> None:
        """Raise AssertionError, or what else goes wrong; unittest.SkipTest where nothing applies.

        What classes are registered and which random numbers come next is afterwards as it was.
        """
        if not __debug__:
            raise RuntimeError("checks are assert statements, which this Python leaves out: -O")
        with _undisturbed():
            self.function(self.subject, *([self.maker] if self.maker else []))

    def outcome(self) -> tuple[str, str]:
        """Run it; return ``passed``, ``failed``, ``skipped`` or ``excused``, and why."""
        try:
            self()
        except unittest.SkipTest as skip:
            return "skipped", str(skip)
        except Exception as error:
            if self.reason:
                return "excused", self.reason
            return "failed", f"{type(error).__name__}: {error}".removeprefix("AssertionError: ")
        if self.reason:
            return "failed", f"it passes, and was expected to fail: {self.reason}"
        return "passed", ""


def cases(cls: type, expected_failures: dict[str, str] | None = None) -> list[Case]:
    """Return all checks of a class.

    Parameters
    ----------
    cls : type
        An optimizer, initializer or scheduler.
    expected_failures : dict of str to str, optional
        The reason by the name of a check that has to fail, beside those of ``cls.conformance``.

    Raises
    ------
    ValueError
        There is no check of that name.
    """
    from . import common, converge, hygiene, initializers, many, numbers, schedulers, states

    of_kind: dict[str, tuple[Any, ...]] = {
        "optimizer": (numbers, hygiene, states, many, converge),
        "initializer": (initializers,),
        "scheduler": (schedulers,),
    }
    subject = Subject(cls)
    expected = dict(subject.cls.conformance.expected_failures) | (expected_failures or {})
    found = []
    for module in (common, *of_kind[subject.registry.kind]):
        for function in module.CHECKS:
            needed = function.__code__.co_argcount == 2
            for maker in makers() if needed else [None]:
                reason = expected.get(function.__name__, "")
                found.append(Case(subject, function, maker, reason))
    names = {case.name for case in found}
    for name in expected.keys() - names:
        raise ValueError(f"expected_failures: no check {name!r}; {nearest(name, names)}")
    return found


def check_optimizer(cls: type, expected_failures: dict[str, str] | None = None) -> None:
    """Run all checks of an optimizer class.

    Parameters
    ----------
    cls : type
        A subclass of `weightopt_core.Optimizer`.
    expected_failures : dict of str to str, optional
        The reason by the name of a check that has to fail; if it passes, that is a failure.

    Raises
    ------
    AssertionError
        Some failed; the message names each and says why.
    TypeError
        `cls` is no such class.

    Examples
    --------
    >>> from weightopt_core.testing import check_optimizer
    >>> from weightopt_sgd import SGD
    >>> check_optimizer(SGD)
    """
    _check(cls, optimizer.Optimizer, expected_failures)


def check_initializer(cls: type, expected_failures: dict[str, str] | None = None) -> None:
    """Run all checks of an initializer class, as `check_optimizer` does of an optimizer.

    Examples
    --------
    >>> from weightopt_core.testing import check_initializer
    >>> from weightopt_uniform import Uniform
    >>> check_initializer(Uniform)
    """
    _check(cls, initializer.Initializer, expected_failures)


def check_scheduler(cls: type, expected_failures: dict[str, str] | None = None) -> None:
    """Run all checks of a scheduler class, as `check_optimizer` does of an optimizer.

    Examples
    --------
    >>> from weightopt_core.testing import check_scheduler
    >>> from weightopt_factor import FactorScheduler
    >>> check_scheduler(FactorScheduler)
    """
    _check(cls, lr_scheduler.LRScheduler, expected_failures)


def parametrize_with_checks(*classes: type, expected_failures: Any = None) -> Any:
    """Return a pytest decorator that makes a test ``f(check)`` run once for every check.

    Parameters
    ----------
    *classes : type
        Optimizers, initializers, schedulers.
    expected_failures : dict of str to str, optional
        As for `check_optimizer`.
    """
    import pytest

    parameters = [
        pytest.param(
            case,
            id=str(case),
            marks=[pytest.mark.xfail(reason=case.reason, strict=True)] if case.reason else [],
        )
        for cls in classes
        for case in cases(cls, expected_failures)
    ]
    return pytest.mark.parametrize("check", parameters)


def _check(cls: Any, base: type, expected_failures: dict[str, str] | None) -> None:
    if registry_of(cls).base is not base:
        raise TypeError(f"expected a subclass of {base.__name__}, got {cls!r}")
    outcomes = [(case, *case.outcome()) for case in cases(cls, expected_failures)]
    failed = [f"{case}: {why}" for case, outcome, why in outcomes if outcome == "failed"]
    if failed:
        raise AssertionError("\n".join(failed))


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    drawn = random.get_state()
    registered = [dict(registry._registered) for registry in REGISTRIES]
    try:
        yield
    finally:
        random.set_state(drawn)
        for registry, classes in zip(REGISTRIES, registered):
            registry._registered = classes
