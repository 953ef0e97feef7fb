"""The functions that a rule calls, as they run on the arrays of one namespace.

Those on arrays are elementwise and made of operations that round correctly. Those on numbers take
plain numbers of Python and 0-d arrays alike: a compiler of arrays hands in the count or the rate
as an array that it traces. What is plain throughout is left to Python.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import wording
from . import functions

#: Functions of `math` that the array API has under the same name.
_SAME = """
    acos acosh asin asinh atan atan2 atanh ceil copysign cos cosh exp expm1 floor hypot isfinite
    isinf isnan log10 log1p log2 sin sinh tan tanh trunc
"""


def is_plain(value: Any) -> bool:
    """Whether `value` is a number of Python, or None; a `numpy.float64` is an array in this."""
    return value is None or (isinstance(value, (int, float)) and not hasattr(value, "dtype"))


def as_plain(value: Any) -> Any:
    """Return a number of NumPy as Python's; in Python, for compilers that trace it."""
    return value.item() if isinstance(value, np.generic) else value


class Operations:
    """The functions of rules on one namespace.

    Parameters
    ----------
    namespace : module
        The functions of the array API.
    sqrt : callable
        Takes the root of an array, correctly rounded.
    real : dtype
        That of numbers, where they are arrays.
    """

    def __init__(self, namespace: Any, sqrt: Callable[[Any], Any], real: Any):
        self.namespace, self.sqrt, self.real = namespace, sqrt, real
        self.abs, self.where = namespace.abs, namespace.where
        #: By a function of numbers, what takes arrays in its place.
        self.own = {getattr(math, name): getattr(namespace, name, None) for name in _SAME.split()}
        self.own |= dict.fromkeys([math.sqrt, functions.sqrt], sqrt)
        self.own |= dict.fromkeys([abs, math.fabs], self.abs)
        self.own |= dict.fromkeys([float, functions.clip_bound], lambda x: x)
        self.own |= {functions.sign: self.sign, functions.clip: self.clip_number}
        self.own |= {functions.maximum: self.maximum, functions.minimum: self.minimum}
        self.own |= {max: self.greatest, min: self.least, math.log: self.log}
        self.own |= dict.fromkeys([functions.power, functions.math_pow], self.power)
        self.own |= {
            int: getattr(namespace, "trunc", None),
            round: getattr(namespace, "round", None),
        }
        self.numbers: dict[Callable[..., Any], Callable[..., Any]] = {}

    # On arrays.

    def square(self, x: Any) -> Any:
        return x * x

    def clip(self, x: Any, bound: Any) -> Any:
        return self.where(x < -bound, -bound, self.where(x > bound, bound, x))

    def sign(self, x: Any) -> Any:
        zero, one = self.namespace.zeros_like(x), self.namespace.ones_like(x)
        below = self.where(x < zero, -one, self.where(x == zero, zero, x))
        return self.where(x > zero, one, below)

    def maximum(self, x: Any, y: Any) -> Any:
        x, y = self.alike(x, y)
        return self.where((x >= y) | (x != x), x, y)

    def minimum(self, x: Any, y: Any) -> Any:
        x, y = self.alike(x, y)
        return self.where((x <= y) | (x != x), x, y)

    def filled(self, x: Any, like: Any) -> Any:
        """Return an array of the shape of `like`, each element of it `x`."""
        return self.namespace.ones_like(like) * x

    # On numbers.

    def choose(self, test: Any, yes: Callable[[], Any], no: Callable[[], Any]) -> Any:
        """Return one of two numbers; both are formed where only the array `test` knows which."""
        if is_plain(test):
            return yes() if test else no()
        return self.where(self.truth(test), *self.alike(yes(), no(), test))

    def negation(self, x: Any) -> Any:
        """``not x``."""
        return not x if is_plain(x) else ~self.truth(x)

    def truth(self, x: Any) -> Any:
        """Return an array of truth values."""
        return x if x.dtype == self.namespace.bool else x != 0

    def power(self, base: Any, exponent: Any) -> Any:
        """Return ``base**exponent``; a plain base keeps the digits that its array would lose."""
        if is_plain(base) and not is_plain(exponent) and base > 0:
            return self.namespace.exp(exponent * math.log(base))
        return functions.power(base, exponent)

    def one_minus_power(self, base: Any, exponent: Any) -> Any:
        """Return ``1 - base**exponent`` to the last digits where the power is nearly 1."""
        if is_plain(base) and not is_plain(exponent) and base > 0:
            return -self.namespace.expm1(exponent * math.log(base))
        return 1 - functions.power(base, exponent)

    def log(self, x: Any, *base: Any) -> Any:
        own = self.namespace.log
        logs = [math.log(value) if is_plain(value) else own(value) for value in (x, *base)]
        return logs[0] / logs[1] if base else logs[0]

    def greatest(self, *values: Any) -> Any:
        """``max`` of numbers, one or more."""
        found, *others = values
        for value in others:
            value, found = self.alike(value, found)
            found = self.where(value > found, value, found)
        return found

    def least(self, *values: Any) -> Any:
        """``min`` of numbers, one or more."""
        found, *others = values
        for value in others:
            value, found = self.alike(value, found)
            found = self.where(value < found, value, found)
        return found

    def clip_number(self, x: Any, bound: Any) -> Any:
        return self.clip(*self.alike(x, functions.clip_bound(bound) if is_plain(bound) else bound))

    def alike(self, x: Any, y: Any, like: Any = None) -> tuple[Any, Any]:
        """Return two values as arrays where one is an array, or else `like` is."""
        arrays = [value for value in (x, y, like) if not is_plain(value)]
        if not arrays:
            return x, y
        if x is None or y is None:
            raise TypeError(wording("number in a rule", "no None beside an array", "None"))
        dtypes = [
            value.dtype for value in (x, y) if not is_plain(value) and not self.is_mask(value)
        ]
        dtype = dtypes[0] if dtypes else self.real
        if all(isinstance(value, bool) or self.is_mask(value) for value in (x, y)):
            dtype = self.namespace.bool
        return self.array(x, dtype, arrays[0]), self.array(y, dtype, arrays[0])

    def is_mask(self, value: Any) -> bool:
        return not is_plain(value) and value.dtype == self.namespace.bool

    def array(self, value: Any, dtype: Any, like: Any) -> Any:
        """Return a number as a 0-d array on the device of `like`; an array stays one."""
        namespace = self.namespace
        if not is_plain(value):
            return value if value.dtype == dtype else namespace.astype(value, dtype)
        # Traced arrays are on no device, and those spread over several on none for a 0-d array.
        device = getattr(like, "device", None)
        try:
            return namespace.asarray(value, dtype=dtype, device=device)
        except Exception:  # whatever the library raises
            return namespace.asarray(value, dtype=dtype)

    def number(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of numbers that takes 0-d arrays too."""
        if function not in self.numbers:
            self.numbers[function] = self._number(function)
        return self.numbers[function]

    def _number(self, function: Callable[..., Any]) -> Callable[..., Any]:
        own = self.own.get(function)

        def call(*values: Any) -> Any:
            if all(map(is_plain, values)):
                return function(*values)
            if own is None:
                remedy = "form the constants on the host, from numbers of Python"
                expected = "a function of the array API for arrays"
                raise TypeError(wording("number in a rule", expected, function.__name__, remedy))
            return own(*values)

        return call
