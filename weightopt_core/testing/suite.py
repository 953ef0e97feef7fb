"""From checks to cases: each check of a class's kind, on each device."""

from __future__ import annotations

from typing import Any

from .. import initializer, lr_scheduler, optimizer
from ..errors import nearest
from ..kinds import INITIALIZER, OPTIMIZER, SCHEDULER
from .arrays import makers
from .case import Case
from .subject import Subject, registry_of

#: Why a class for the host does not give the host's numbers on another device.
HOST_ONLY = "it takes NumPy arrays alone: host_only"


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
        There is no check of that name; or a class with a rule says that it is for the host only.
    """
    from . import common, converge, exact, hygiene, initializers, many, schedulers, states

    of_kind: dict[str, tuple[Any, ...]] = {
        OPTIMIZER.name: (exact, hygiene, states, many, converge),
        INITIALIZER.name: (initializers,),
        SCHEDULER.name: (schedulers,),
    }
    subject = Subject(cls)
    expected = dict(subject.cls.conformance.expected_failures) | (expected_failures or {})
    modules = (common, *of_kind[subject.registry.kind])
    functions = {f.__name__: f for module in modules for f in module.CHECKS}
    for name in expected.keys() - functions.keys():
        raise ValueError(f"expected_failures: no check {name!r}; {nearest(name, functions)}")
    if subject.cls.conformance.host_only:
        expected.setdefault("gives_the_hosts_numbers", HOST_ONLY)
    return [
        Case(subject, function, maker, expected.get(name, ""))
        for name, function in functions.items()
        for maker in _devices(subject, function)
    ]


def _devices(subject: Subject, function: Any) -> list[Any]:
    """Return the makers that a check is run with; None where it needs no arrays.

    Its arguments tell: the subject; the subject and a device; or these and the host, to compare
    every other device with.
    """
    count = function.__code__.co_argcount
    if count == 1:
        return [None]
    if count == 2 and not subject.cls.conformance.host_only:
        return list(makers())
    return [maker for maker in makers() if (maker.name == "cpu") == (count == 2)]


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
