"""What a server knows of one worker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .given import Key
from .messages import Account

#: How many failures are remembered for a worker.
_FAILURES = 16


@dataclass(eq=False)
class Peer:
    """A worker, as a server sees it.

    Attributes
    ----------
    generation : int
        Which process of this rank it is; a later one takes the place of an earlier one.
    seen, applied, durable : int
        Up to which number its pushes were taken, applied, and saved.
    barrier : int
        How many barriers it has reached.
    lost : list of [int, int]
        First and last numbers of pushes that will never be applied.
    failures : list
        Numbers of pushes that could not be applied, with the class of the error and its text.
    pulls : int
        The number of its latest pull.
    pulled : dict
        By key the version and the weight that it pulled last.
    """

    generation: int = 0
    seen: int = 0
    applied: int = 0
    durable: int = 0
    barrier: int = 0
    lost: list[list[int]] = field(default_factory=list)
    failures: list[tuple[int, str, str]] = field(default_factory=list)
    pulls: int = 0
    pulled: dict[Key, tuple[int, np.ndarray]] = field(default_factory=dict)

    def lose(self, first: int, last: int) -> None:
        """Note that pushes will never be applied."""
        if first <= last:
            if self.lost and self.lost[-1][1] == first - 1:
                self.lost[-1][1] = last
            else:
                self.lost.append([first, last])

    def fail(self, number: int, error: Exception) -> None:
        """Note that a push could not be applied."""
        self.failures.append((number, type(error).__name__, str(error)))
        del self.failures[:-_FAILURES]

    def account(self) -> Account:
        """Return how far the server is with it."""
        lost = tuple((first, last) for first, last in self.lost)
        return Account(self.seen, self.durable, lost, tuple(self.failures))

    def saved(self) -> list[Any]:
        """Return what a checkpoint keeps, as JSON keeps it: what was not applied is not in it."""
        return [self.generation, self.applied, self.barrier, self.lost]

    @classmethod
    def restored(cls, saved: Iterable[Any]) -> Peer:
        """Return what `saved` described."""
        generation, applied, barrier, lost = saved
        found = cls(generation, applied, applied, applied, barrier)
        found.lost = [list(pair) for pair in lost]
        return found
