"""The functions a rule may call, as they run on NumPy arrays and on plain numbers.

`preamble.h` holds the same functions for C and OpenCL. On numbers they return plain Python
floats, because NumPy lets a Python float follow the array's dtype and a NumPy float not.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.powers import power
from ..errors import wording
from ..reductions import LARGEST, MEAN, NORM, TOTAL, Reduction


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float))


def clip_bound(bound: float | None) -> float:
    """Return the bound that `clip` uses: infinity for None, otherwise a number above 0."""
    if bound is None:
        return math.inf
    if not bound > 0:
        raise ValueError(wording("bound of clip", "None or a number > 0", repr(bound)))
    return float(bound)


def clip(x: Any, bound: float | None) -> Any:
    """Limit `x` to ``[-bound, bound]``; None leaves `x` as it is, NaN stays NaN."""
    limit = clip_bound(bound)
    if _is_number(x):
        return -limit if x < -limit else limit if x > limit else x
    return x if limit == math.inf else where(x < -limit, -limit, where(x > limit, limit, x))


def sqrt(x: Any) -> Any:
    """Correctly rounded square root."""
    return math.sqrt(x) if _is_number(x) else np.sqrt(x)


def math_pow(x: float, y: float) -> float:
    """`math.pow`, by multiplications where `y` is integral."""
    x, y = float(x), float(y)
    if y.is_integer() and (x != 0 or y >= 0):
        return power(x, y)
    return math.pow(x, y)


def norm(x: Any) -> float:
    """Euclidean norm of all elements of an array: a number.

    Squares are summed in double, in a fixed order: the bits depend neither on threads nor on
    devices. It is that of the whole tensor, on which a rule that takes one always runs.
    """
    return _reduced(NORM, x)


def total(x: Any) -> float:
    """Sum of all elements of an array: a number, in the order in which `norm` adds squares.

    Infinities of both signs give NaN. The total of an empty array is 0.
    """
    return _reduced(TOTAL, x)


def mean(x: Any) -> float:
    """Mean of all elements of an array: its `total`, divided by how many they are.

    It is right wherever it is in the range of double, even where the total is not. The mean of an
    empty array is 0.
    """
    return _reduced(MEAN, x)


def largest(x: Any) -> float:
    """Largest of the absolute values of all elements of an array: a number.

    It is NaN where one of them is. The largest of an empty array is 0.
    """
    return _reduced(LARGEST, x)


def _reduced(reduction: Reduction, x: Any) -> float:
    if not isinstance(x, (np.ndarray, np.generic)):
        raise TypeError(wording(reduction.name, "an array", repr(x), "it takes no number"))
    return reduction.of(np.asarray(x))


def sign(x: Any) -> Any:
    """-1, 0 or 1 with the sign of `x`; NaN stays NaN, and both zeros give 0."""
    if _is_number(x):
        return x if x != x else float((x > 0) - (x < 0))
    return np.sign(x)


def where(mask: Any, x: Any, y: Any) -> Any:
    """Elements of `x` where `mask` holds and of `y` elsewhere."""
    arrays = [value for value in (x, y) if not _is_number(value)]
    if not arrays:
        raise TypeError(wording("where", "an array for x or y", "two numbers"))
    dtype = np.result_type(*arrays)
    return np.where(mask, np.asarray(x, dtype), np.asarray(y, dtype))


def maximum(x: Any, y: Any) -> Any:
    """The larger of `x` and `y`, NaN where either is NaN; of equal values, `x`.

    NumPy's own maximum may return either of two zeros of different sign, depending on the
    processor; this one is the same everywhere.
    """
    if _is_number(x) and _is_number(y):
        return x if x >= y or x != x else y
    return where(np.greater_equal(x, y) | np.not_equal(x, x), x, y)


def minimum(x: Any, y: Any) -> Any:
    """The smaller of `x` and `y`, NaN where either is NaN; of equal values, `x`."""
    if _is_number(x) and _is_number(y):
        return x if x <= y or x != x else y
    return where(np.less_equal(x, y) | np.not_equal(x, x), x, y)
