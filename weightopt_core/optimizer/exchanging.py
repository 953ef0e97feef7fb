"""Weights that are evaluated as their averages: exchanged in place, and back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import wording
from .lists import check_lists


class Exchanging:
    """What optimizers share that keep an average of each weight; a base class beside another one.

    A subclass implements `exchange`, and calls `refuse_exchanged` before an update.
    """

    _exchanged: frozenset[Any] = frozenset()

    def exchange(self, indices: Sequence[Any], weights: Any, states: Any, back: bool) -> None:
        """Let weights be their averages, in place, or undo that; for subclasses.

        Parameters
        ----------
        indices, weights, states : list or tuple
            As for `update`, not empty.
        back : bool
            Whether the weights are averages at present.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement exchange()")

    def swap(self, index: Any, weight: Any, state: Any) -> None:
        """Exchange weights and their averages, in place; a second time, back.

        Parameters
        ----------
        index, weight, state
            As for `update`.

        Raises
        ------
        TypeError, ValueError
            They are not as `update` needs them, or some of the weights are exchanged and others
            are not; then nothing has changed.
        """
        if not isinstance(index, (list, tuple)):
            index, weight, state = [index], [weight], [state]
        check_lists(len(index), weight=weight, state=state)
        swapped = self._exchanged.intersection(index)
        if swapped and len(swapped) < len(index):
            got = f"{', '.join(map(repr, swapped))} and others"
            raise ValueError(wording("index", "all weights exchanged, or none", got))
        if index:
            self.exchange(index, weight, state, bool(swapped))
            self._exchanged = self._exchanged.symmetric_difference(index)

    @contextlib.contextmanager
    def averaged(self, index: Any, weight: Any, state: Any) -> Iterator[None]:
        """Let weights be their averages within a ``with`` block; arguments as for `swap`."""
        self.swap(index, weight, state)
        try:
            yield
        finally:
            self.swap(index, weight, state)

    def refuse_exchanged(self, indices: Sequence[Any]) -> None:
        """Raise ValueError where one of the weights is its average at present."""
        if not self._exchanged.isdisjoint(indices):
            index = next(index for index in indices if index in self._exchanged)
            remedy = "call swap() again first"
            raise ValueError(
                wording(f"weight of {index!r}", "the trained one", "its average", remedy)
            )

    def _check_saved(self) -> None:
        if self._exchanged:
            got = f"the average in {len(self._exchanged)} of them"
            raise ValueError(wording("weights", "what is trained", got, "call swap() again first"))
        super()._check_saved()  # type: ignore[misc]
