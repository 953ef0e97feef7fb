"""Checks of schedulers: pure functions of the number of updates."""

from __future__ import annotations

import copy
import math
from typing import Any

from . import values
from .subject import Subject

UPDATES = [0, 1, 2, 3, 5, 10, 11, 100, 101, 1000, 10**6, 10**9]


def is_a_pure_function(subject: Subject) -> None:
    """The rate depends on the number of updates alone, and asking for it changes nothing."""
    for schedule in _settings(subject):
        before = copy.deepcopy(vars(schedule))
        first = {n: schedule(n) for n in UPDATES}
        again = {n: schedule(n) for n in [*UPDATES[::-1], *UPDATES[::3]]}
        for n in UPDATES:
            assert again[n] == first[n], f"{schedule!r} at {n}: first {first[n]}, then {again[n]}"
        assert vars(schedule) == before, f"{schedule!r} was changed by asking it"


def is_finite_and_not_negative(subject: Subject) -> None:
    """Every rate is a number that an optimizer takes."""
    for schedule in _settings(subject):
        for n in UPDATES:
            lr = schedule(n)
            usable = isinstance(lr, (int, float)) and math.isfinite(lr) and lr >= 0
            assert usable, f"{schedule!r} at {n}: {lr!r}"


def comes_back_from_text(subject: Subject) -> None:
    """What dumps returns makes a scheduler that gives the same rates."""
    with subject.findable() as registry:
        registry.register(values.Falling)
        for schedule in _settings(subject):
            text = schedule.dumps()
            twin = registry.create(text)
            assert twin.dumps() == text, f"{text} became {twin.dumps()}"
            assert [twin(n) for n in UPDATES] == [schedule(n) for n in UPDATES], text


CHECKS = (is_a_pure_function, is_finite_and_not_negative, comes_back_from_text)


def _settings(subject: Subject) -> list[Any]:
    """Return one as it must be made, and one with each legal value of each hyperparameter."""
    variants = subject.variants(subject.cls.hyperparameters)
    return [subject.create(**given) for given in [{}, *variants]]
