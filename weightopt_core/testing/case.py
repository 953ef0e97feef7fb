"""A case: one check of one class, on one device."""

from __future__ import annotations

import contextlib
import unittest
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .. import random
from .arrays import Maker, cpu
from .subject import REGISTRIES, Subject


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
            devices = [self.maker, cpu()[0]] if self.maker else []
            self.function(self.subject, *devices[: self.function.__code__.co_argcount - 1])

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


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    drawn = random.get_state()
    with contextlib.ExitStack() as stack:
        for registry in REGISTRIES:
            stack.enter_context(registry.isolated())
        try:
            yield
        finally:
            random.set_state(drawn)
