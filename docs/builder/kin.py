"""Who the kin of an algorithm are, and in what they differ: the section See Also of its docstring.

Its entries name classes, as ``AdamW : Adam with the decay apart from the gradient.``, which says of
AdamW in what it differs from the class that the docstring is of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .catalogue import Entry
from .documented import sections


class Kin(NamedTuple):
    """One entry: the name of a class, and in what that differs."""

    name: str
    difference: str


def kin_of(cls: type) -> list[Kin]:
    """Return what the docstring of a class says of its kin."""
    found = []
    for names, description in sections(cls)["See Also"]:
        found += [Kin(name.rpartition(".")[2], " ".join(description)) for name, _ in names]
    return found


def wrong(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield what is wrong: kin without a difference; a class that others name and that names none.

    A name that is not installed is no error: its package is another one, which may be absent.
    """
    said = {entry.cls.__name__: kin_of(entry.cls) for entry in entries}
    for name, own in said.items():
        for kin in own:
            if not kin.difference:
                yield f"{name}: its section See Also does not say in what {kin.name} differs"
            if kin.name in said and not said[kin.name]:
                what = f"{name} names it as its kin, so say in what {name} differs"
                yield f"{kin.name}: has no section See Also; {what}"
