"""The errors this library raises, and the one wording they share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RuleError(ValueError):
    """An update rule that cannot be read, checked or lowered.

    Attributes
    ----------
    filename : str
        The file that holds the rule.
    lineno : int
        The line of the offending construct, counted from 1.
    """

    def __init__(self, message: str, filename: str = "<unknown>", lineno: int = 0):
        super().__init__(f"{filename}:{lineno}: {message}")
        self.filename = filename
        self.lineno = lineno


class PluginError(RuntimeError):
    """An installed plugin that cannot be used; names entry point, package, version and cause."""


def wording(argument: str, expected: str, got: str, remedy: str = "") -> str:
    """Word a complaint about an argument: what was expected, what came, what to do."""
    return f"{argument}: expected {expected}, got {got}" + (f"; {remedy}" if remedy else "")


def nearest(name: str, known: Iterable[str]) -> str:
    """Word the known names closest to `name`, or all of them where none is close."""
    known = sorted(set(known))
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(repr(match) for match in close) + "?"
    return "known: " + (", ".join(known) if known else "none")
