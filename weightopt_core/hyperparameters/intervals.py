"""Hyperparameters that are numbers in an interval."""

from __future__ import annotations

import itertools
import math
import operator
import re
from typing import Any

from ..errors import wording
from .declared import REQUIRED, Hyperparameter

_INTERVAL = re.compile(r"([\[(])\s*([^,]+),\s*([^\])]+)([\])])")


class Real(Hyperparameter):
    """A finite number in an interval such as ``"[0, 1)"``; an int stays one."""

    noun = "a number"

    def __init__(self, default: Any = REQUIRED, interval: str = "(-inf, inf)", **options: Any):
        super().__init__(default, **options)
        found = _INTERVAL.fullmatch(interval)
        if not found:
            raise ValueError(wording("interval", "text such as '[0, 1)'", repr(interval)))
        self.interval = interval
        self._above = operator.ge if found[1] == "[" else operator.gt
        self._below = operator.le if found[4] == "]" else operator.lt
        self._low, self._high = float(found[2]), float(found[3])

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.noun} in {self.interval}"

    def convert(self, value: Any) -> float:
        is_bool = isinstance(value, bool) or str(getattr(value, "dtype", "")) == "bool"
        if is_bool or isinstance(value, (str, bytes)):
            raise TypeError
        try:
            return self._inside(operator.index(value))
        except TypeError:
            return self._inside(float(value))

    def _inside(self, number: Any) -> Any:
        inside = self._above(number, self._low) and self._below(number, self._high)
        if not (inside and math.isfinite(number)):
            raise ValueError
        return number


class RealOrArray(Real):
    """A number in an interval, or an array or nested lists of them, stored as a NumPy array."""

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{super().expected}, or an array of them"

    def convert(self, value: Any) -> Any:
        if not isinstance(value, (list, tuple)) and getattr(value, "shape", ()) == ():
            return super().convert(value)
        import numpy as np

        numbers = np.array(value)
        if numbers.dtype.kind == "V":  # bfloat16, among others
            numbers = numbers.astype(np.float64)
        if numbers.dtype.kind not in "iuf":
            raise TypeError
        inside = self._above(numbers, self._low) & self._below(numbers, self._high)
        if not (inside & np.isfinite(numbers)).all():
            raise ValueError
        numbers.flags.writeable = False
        return numbers


class Integer(Real):
    """An int in an interval."""

    noun = "an integer"

    def convert(self, value: Any) -> int:
        if isinstance(value, bool):
            raise TypeError
        return self._inside(operator.index(value))


class Steps(Hyperparameter):
    """Growing numbers of updates, in a list of its own."""

    expected = "a list of growing integers, each at least 1"

    def convert(self, value: Any) -> list[float]:
        if not isinstance(value, (list, tuple)):
            raise TypeError
        steps = [_STEP.convert(step) for step in value]
        if not steps or any(later <= step for step, later in itertools.pairwise(steps)):
            raise ValueError
        return steps


_STEP = Real(interval="[1, inf)")
