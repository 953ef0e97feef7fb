"""Updater: an optimizer together with the states of all the weights it has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .backends import backend_of
from .many import check_lists

if TYPE_CHECKING:
    from .optimizer import Optimizer


class Updater:
    """Update weights by index, and create each state when its index is first seen.

    Parameters
    ----------
    optimizer : Optimizer
        What updates the weights.

    Attributes
    ----------
    states : dict
        State by index.
    """

    def __init__(self, optimizer: Optimizer):
        self.optimizer = optimizer
        self.states: dict[Any, Any] = {}
        self._loaded: set[Any] = set()

    def __call__(self, index: Any, grad: Any, weight: Any) -> None:
        """Update a weight in place, or a list of them at once.

        Parameters
        ----------
        index : int or str, or list of them
            What identifies the weight.
        grad, weight : array, or list of array
            As for `Optimizer.update`; note that the gradient comes first.
        """
        if not isinstance(index, (list, tuple)):
            if index not in self.states or index in self._loaded:
                self._update_first((index,), (grad,), (weight,))
            else:
                self.optimizer.update(index, weight, grad, self.states[index])
            return
        check_lists(len(index), grad=grad, weight=weight)
        states = self._known(index)
        if states is None:
            self._update_first(tuple(index), grad, weight)
        else:
            self.optimizer.update(index, weight, grad, states)

    def _update_first(self, indices: tuple[Any, ...], grads: Any, weights: Any) -> None:
        """Update where states have to be created, or placed, first.

        They are there before the step, so that nothing can come between that and them. Where the
        step has not been, new ones are taken away again.
        """
        new = [index for index in indices if index not in self.states]
        counts = self.optimizer._index_update_count
        before = [counts.get(index) for index in new]
        states = [self._state(*pair) for pair in zip(indices, weights)]
        try:
            self.states.update(zip(indices, states))
            if len(indices) == 1:
                self.optimizer.update(indices[0], weights[0], grads[0], states[0])
            else:
                self.optimizer.update(list(indices), weights, grads, states)
        except BaseException:
            for index, count in zip(new, before):
                if counts.get(index) == count:
                    self.states.pop(index, None)
            raise

    def _known(self, indices: Sequence[Any]) -> list[Any] | None:
        """Return all states, or None where one has to be created or placed first."""
        if self._loaded:
            return None
        try:
            return list(map(self.states.__getitem__, indices))
        except KeyError:
            return None

    def _state(self, index: Any, weight: Any) -> Any:
        if index in self._loaded:
            self.states[index] = _placed(self.states[index], weight)
            self._loaded.discard(index)
        if index in self.states:
            return self.states[index]
        return self.optimizer.create_state(index, weight)

    def get_states(self) -> bytes:
        """Return all states and update counts as safetensors bytes.

        Needs the extra ``weightopt-core[checkpoint]``. A resumed run equals an uninterrupted one
        bit for bit.
        """
        from . import checkpoint

        return checkpoint.dump(self)

    def set_states(self, states: bytes) -> None:
        """Take over what `get_states` returned.

        Each state is put where its weight is, when that is next updated.

        Raises
        ------
        TypeError, ValueError
            These are not such bytes; then nothing has changed. Pickles are refused.
        """
        from . import checkpoint

        checkpoint.load(self, states)
        self._loaded = set(self.states)


def _placed(state: Any, weight: Any) -> Any:
    """Return a state with its arrays where `weight` is."""
    if isinstance(state, (tuple, list)):
        return type(state)(_placed(part, weight) for part in state)
    return backend_of(weight).place(state, weight) if isinstance(state, np.ndarray) else state


def get_updater(optimizer: Optimizer) -> Updater:
    """Return an `Updater` for `optimizer`."""
    return Updater(optimizer)
