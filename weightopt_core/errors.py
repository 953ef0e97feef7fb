"""The errors this library raises, and the one wording they share."""

from __future__ import annotations

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
    """Word the known names closest to `name`, the closest first, or all where none is close."""
    import difflib  # takes as long as all of this package's Python, and is of errors alone

    known = sorted(set(known))
    folded = name.casefold()
    words = {other: other.casefold() for other in known}
    alike = difflib.get_close_matches(folded, words.values(), n=len(known) or 1, cutoff=0.6)
    # Two letters out of few have a low ratio even where they are only swapped.
    steps = {
        other: _distance(folded, word)
        for other, word in words.items()
        if word in alike or abs(len(word) - len(folded)) <= 1
    }
    close = [other for other, count in steps.items() if words[other] in alike or count <= 1]
    close.sort(key=steps.__getitem__)
    if close and name:
        return "did you mean " + " or ".join(map(repr, close[:3])) + "?"
    return "known: " + (", ".join(known) if known else "none")


def _distance(one: str, other: str) -> int:
    """Return how many letters to insert, delete, replace or swap with the next."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            count = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and (a, one[i - 2]) == (other[j - 2], b):
                count = min(count, earlier[j - 2] + 1)
            row.append(count)
    return row[-1]
