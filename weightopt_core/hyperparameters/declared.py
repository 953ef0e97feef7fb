"""What every hyperparameter is: a declared value, which is checked whenever it is set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import wording

#: The default of a hyperparameter that must be given.
REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "REQUIRED"})()


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
