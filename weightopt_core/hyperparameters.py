"""Hyperparameters declared once: their default, their range, and one wording for both.

>>> from weightopt_core import Optimizer, hyperparameters
>>> class Damped(Optimizer):
...     damping = hyperparameters.Real(0.5, "[0, 1)")
>>> Damped(damping=2)
Traceback (most recent call last):
    ...
ValueError: damping: expected a number in [0, 1), got 2
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .errors import wording

#: The default of a hyperparameter that must be given.
REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "REQUIRED"})()

_INTERVAL = re.compile(r"([\[(])\s*([^,]+),\s*([^\])]+)([\])])")


class Hyperparameter:
    """A value of an algorithm that is checked whenever it is set.

    Parameters
    ----------
    default : object
        Used where none is given; `REQUIRED` where one must be.
    optional : bool
        Whether None is allowed.
    kw_only : bool
        Whether the constructor takes it by keyword alone, as one of its ``**kwargs``.
    """

    expected = "any object"
    #: Whether it stays on the class, as what computes the attribute; else its default does.
    computed = False

    def __init__(self, default: Any = REQUIRED, *, optional: bool = False, kw_only: bool = False):
        self.default = default
        self.optional = optional
        self.kw_only = kw_only
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    if TYPE_CHECKING:  # the class attribute is replaced by the default

        def __get__(self, instance: Any, owner: type | None = None) -> Any: ...

        def __set__(self, instance: Any, value: Any) -> None: ...

    @property
    def stored(self) -> str:
        """The name of the attribute that holds what was set."""
        return self.name

    def allow(self, instance: Any, value: Any) -> None:
        """Raise where the hyperparameter of `instance` must not be set to `value` now."""

    def check(self, value: Any) -> Any:
        """Return `value` as it will be stored, or raise TypeError or ValueError."""
        if value is None and self.optional:
            return None
        try:
            return self.convert(value)
        except (TypeError, ValueError, OverflowError) as error:
            kind = ValueError if isinstance(error, OverflowError) else type(error)
            raise kind(wording(self.name, self.description, repr(value))) from None

    def convert(self, value: Any) -> Any:
        """Return `value` as its plain Python type; raise a bare TypeError or ValueError."""
        return value

    @property
    def description(self) -> str:
        """What is allowed, in words."""
        return f"None or {self.expected}" if self.optional else self.expected


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


class LearningRate(Real):
    """The learning rate of an optimizer, which cannot be set while a scheduler gives it.

    Reading it gives the rate in use. What was set, or else the default, is in ``_rate``, which a
    step reads without a call.
    """

    computed = True

    @property
    def stored(self) -> str:
        """The name of the attribute that holds what was set."""
        return "_rate"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self.default
        return instance._rate_at_present()

    def __set__(self, instance: Any, value: Any) -> None:
        # Unlike vars(), this leaves the instance without a dict of its own, which reads faster.
        object.__setattr__(instance, self.stored, value)

    def allow(self, instance: Any, value: Any) -> None:
        if instance.lr_scheduler is not None:
            raise ValueError(
                "learning_rate: expected no lr_scheduler, got a value beside one; "
                "set lr_scheduler.base_lr, or lr_scheduler to None first"
            )


class Momentum(Real):
    """The momentum of an optimizer whose state has another form with a momentum than without.

    Once the momentum was above 0, the optimizer's ``_has_momentum`` is True, and the momentum may
    be 0 at any time. It cannot be raised from 0 for weights that were updated without one.
    """

    def allow(self, instance: Any, value: Any) -> None:
        if not value or instance._has_momentum:
            return
        if instance._is_prepared and instance._index_update_count:
            remedy = (
                "create the optimizer with a momentum above 0 and set it to 0 before the first "
                "update, or call reset() and create new states"
            )
            raise ValueError(wording(self.name, "0 after updates without", repr(value), remedy))
        instance._has_momentum = True


class Names(Hyperparameter):
    """Names of parameters by index."""

    expected = "a dict of names by index"

    def convert(self, value: Any) -> dict[Any, str]:
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value.values()):
            raise TypeError
        return value


class Flag(Hyperparameter):
    """True or False."""

    expected = "True or False"

    def convert(self, value: Any) -> bool:
        if value not in (True, False) or isinstance(value, float):
            raise TypeError
        return bool(value)


class Choice(Hyperparameter):
    """One of a few words."""

    def __init__(self, default: Any = REQUIRED, choices: Sequence[str] = (), **options: Any):
        super().__init__(default, **options)
        self.choices = tuple(choices)
        self.expected = " or ".join(repr(choice) for choice in self.choices)

    def convert(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError
        if value not in self.choices:
            raise ValueError
        return value


class Instance(Hyperparameter):
    """An object of a class, or one with certain methods.

    Parameters
    ----------
    kind : type or tuple of str
        The class, or the names of the methods that are called.
    """

    def __init__(self, default: Any = REQUIRED, kind: Any = object, **options: Any):
        super().__init__(default, **options)
        self.kind = kind
        self.expected = (
            f"an instance of {kind.__name__}"
            if isinstance(kind, type)
            else "an object with " + " and ".join(f"{name}()" for name in kind)
        )

    def convert(self, value: Any) -> Any:
        if isinstance(self.kind, type):
            fits = isinstance(value, self.kind)
        else:
            fits = all(callable(getattr(value, name, None)) for name in self.kind)
        if not fits:
            raise TypeError
        return value


class ListOf(Hyperparameter):
    """A list, or tuple, of values that another hyperparameter describes.

    Parameters
    ----------
    item : Hyperparameter
        What each of the values is.
    """

    def __init__(self, item: Hyperparameter, default: Any = REQUIRED, **options: Any):
        super().__init__(default, **options)
        self.item = item
        self.expected = f"a list, each of it {item.description}"

    def __set_name__(self, owner: type, name: str) -> None:
        super().__set_name__(owner, name)
        self.item.name = f"each of {name}"

    def check(self, value: Any) -> Any:
        """Return a new list of what the items are stored as."""
        if not isinstance(value, (list, tuple)):
            return super().check(value)
        return [self.item.check(item) for item in value]

    def convert(self, value: Any) -> Any:
        raise TypeError
