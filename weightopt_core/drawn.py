"""Seeds that were drawn because none was given: each belongs to one process."""

from __future__ import annotations

import os
from typing import Any

#: What tells a forked child from its parent.
_process = object()


class DrawnSeed(int):
    """A seed of one object in this process; a forked child draws its own.

    A copy within the process has it too. In a pickle it is a plain number: what goes elsewhere
    goes on as it would have here.
    """

    process: object

    def __new__(cls, seed: int) -> DrawnSeed:
        """Return the seed, for the present process."""
        self = super().__new__(cls, seed)
        self.process = _process
        return self

    def __copy__(self) -> DrawnSeed:
        return self

    def __deepcopy__(self, memo: Any) -> DrawnSeed:
        return self

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (int(self),)


def of_this_process(seed: int | None) -> int | None:
    """Return `seed`, or None for one that was drawn in a process that this one was forked from."""
    is_other = isinstance(seed, DrawnSeed) and seed.process is not _process
    return None if is_other else seed


def _renew() -> None:
    global _process
    _process = object()


if hasattr(os, "register_at_fork"):  # not on every system
    os.register_at_fork(after_in_child=_renew)
