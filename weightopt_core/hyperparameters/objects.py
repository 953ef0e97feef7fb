"""Hyperparameters that are no numbers: flags, words, names, objects, lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .declared import REQUIRED, Hyperparameter


class Names(Hyperparameter):
    """Names of parameters by index, a dict or its items."""

    expected = "a dict of names by index"

    def convert(self, value: Any) -> dict[Any, str]:
        if isinstance(value, list):
            value = dict(value)
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


class Pattern(Hyperparameter):
    """A regular expression."""

    expected = "a regular expression"

    def convert(self, value: Any) -> str:
        """Return the text."""
        if not isinstance(value, str):
            raise TypeError
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError from error
        return value


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


class Nested(Hyperparameter):
    """An algorithm that another one uses; each kind has a subclass that makes it of what is given.

    Attributes
    ----------
    noun : str
        The kind, in words.
    """

    noun = "an algorithm"

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.noun}, its name or what its dumps() returned"

    def check(self, value: Any) -> Any:
        """Return the algorithm; what is wrong with it, `made` says."""
        if value is None and self.optional:
            return None
        try:
            return self.made(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self.name}: {error}") from error

    def made(self, value: Any) -> Any:
        """Return the algorithm that `value` stands for, or raise TypeError or ValueError."""
        raise NotImplementedError


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
