"""Updater: an optimizer together with the states of all the weights it has seen."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import wording
from . import checkpoint
from .checkpoint.background import Saving
from .checkpoint.indices import plain_index
from .checkpoint.placing import REMEDY, resumed
from .checkpoint.progress import present
from .guard import admits
from .lists import check_lists

if TYPE_CHECKING:
    import numpy as np

    from .base import Optimizer
    from .checkpoint.reading import Saved


class Updater:
    """Update weights by index, and create each state when its index is first seen.

    Parameters
    ----------
    optimizer : Optimizer
        What updates the weights.

    Attributes
    ----------
    states : dict
        State by index. Where one is deleted, the weight's next update begins anew, with a new
        state and with its count.
    """

    def __init__(self, optimizer: Optimizer):
        self.optimizer = optimizer
        self.states: dict[Any, Any] = {}
        #: Indices that had a state at some time.
        self._seen: set[Any] = set()
        #: Those whose state was loaded, and neither compared with its weight nor placed yet.
        self._loaded: set[Any] = set()
        self._strict = True
        #: The `num_update` up to which each index must have a loaded state.
        self._complete_until = -1

    def __call__(self, index: Any, grad: Any, weight: Any) -> None:
        """Update a weight in place, or a list of them at once.

        Parameters
        ----------
        index : int or str, or list of them
            What identifies the weight.
        grad, weight : array, or list of array
            As for `Optimizer.update`; note that the gradient comes first.

        Raises
        ------
        TypeError, ValueError
            An argument is not as described, or does not fit the states that `set_states` took
            over; then nothing has changed.
        """
        if self._loaded:
            self._warn_of_rest()
        if not isinstance(index, (list, tuple)):
            if self._is_known(index):
                self.optimizer.update(index, weight, grad, self.states[index])
            else:
                self._update_first((index,), (grad,), (weight,))
            return
        check_lists(len(index), grad=grad, weight=weight)
        states = self._known(index)
        if states is None:
            self._update_first(tuple(index), grad, weight)
        else:
            self.optimizer.update(index, weight, grad, states)

    def _warn_of_rest(self) -> None:
        """Warn of loaded states whose weights had no update in a whole pass, once."""
        if 0 <= self._complete_until < self.optimizer.num_update:
            self._complete_until = -1
            rest = [index for index in self.states if index in self._loaded]
            some = ", ".join(map(repr, rest[:8])) + (", ..." if len(rest) > 8 else "")
            warnings.warn(
                f"states of {some} were loaded, and their weights are not updated; they are kept",
                stacklevel=3,
            )

    def _warn_of_counts(self, indices: Sequence[Any], before: dict[Any, list[int | None]]) -> None:
        """Warn where a weight is counted already, and its state would begin anew all the same."""
        for index in indices:
            counts = [count for count in before[index] if count is not None]
            if index in self.states or index in self._seen or not counts:
                continue
            warnings.warn(
                f"update of {index!r}: its state begins anew, and its count goes on from "
                f"{counts[0]}; give each Updater an optimizer of its own, such as "
                f"copy.copy(optimizer), or let counts begin anew too: optimizer.reset({index!r})",
                stacklevel=4,
            )

    def _is_known(self, index: Any) -> bool:
        try:
            return index in self.states and index not in self._loaded
        except TypeError:  # it has no hash
            return False

    def _known(self, indices: Sequence[Any]) -> list[Any] | None:
        """Return all states, or None where one has to be created or placed first."""
        try:
            if self._loaded and not self._loaded.isdisjoint(indices):
                return None
            return list(map(self.states.__getitem__, indices))
        except (KeyError, TypeError):
            return None

    def _update_first(self, indices: tuple[Any, ...], grads: Any, weights: Any) -> None:
        """Update where states have to be created, or placed, first.

        They are there before the step, so that nothing can come between that and them. Where the
        step has not been, states and counts are again as they were. A call that is skipped because
        of its gradients makes none.
        """
        for index in indices:
            plain_index(index)
        if not admits(self.optimizer, indices, grads):
            return
        counted = [rates.counts for rates in self.optimizer._counted()]
        before = {index: [counts.get(index) for counts in counted] for index in indices}
        old = {index: self.states[index] for index in indices if index in self.states}
        anew: set[Any] = set()
        self._warn_of_counts(indices, before)
        states = [self._state(*pair, anew) for pair in zip(indices, weights)]
        try:
            for index in anew:
                for counts in counted:
                    counts.pop(index, None)
            self.states.update(zip(indices, states))
            if len(indices) == 1:
                self.optimizer.update(indices[0], weights[0], grads[0], states[0])
            else:
                self.optimizer.update(list(indices), weights, grads, states)
            self._is_stepped(*indices)
        except BaseException:
            for index, old_counts in before.items():
                if any(
                    counts.get(index) != (None if index in anew else count)
                    for counts, count in zip(counted, old_counts)
                ):
                    self._is_stepped(index)
                    continue
                for counts, count in zip(counted, old_counts):
                    if count is not None:
                        counts[index] = count
                self.states.pop(index, None)
            self.states.update((i, state) for i, state in old.items() if i not in self.states)
            raise

    def _is_stepped(self, *indices: Any) -> None:
        self._seen.update(indices)
        self._loaded.difference_update(indices)

    def _state(self, index: Any, weight: Any, anew: set[Any]) -> Any:
        """Return the state of a weight, and note in `anew` where its count begins anew."""
        if index in self.states:
            state = self.states[index]
            if index not in self._loaded:
                return state
            state, fits = resumed(self.optimizer, index, weight, state, self._strict)
            if not fits:
                anew.add(index)
            return state
        if self.optimizer.num_update <= self._complete_until:
            expected = "one that the states of set_states have"
            raise ValueError(wording("index", expected, repr(index), REMEDY))
        if index in self._seen:
            anew.add(index)
        return self.optimizer.create_state(index, weight)

    def get_states(self) -> bytes:
        """Return all states and update counts as safetensors bytes.

        A resumed run equals an uninterrupted one bit for bit. Named tuples are saved as tuples.
        `save` writes the same into a file.

        Raises
        ------
        TypeError, ValueError
            A state or an index cannot be saved, or there are so many that the header would go
            beyond the 100 MB that the format allows.
        """
        return checkpoint.dump(self)

    def set_states(self, states: bytes, strict: bool = True) -> None:
        """Take over what `get_states` returned.

        Each state is put where its weight is, when that is next updated.

        Parameters
        ----------
        states : bytes
            What `get_states` returned.
        strict : bool, optional
            Whether all has to fit: the class and the hyperparameters of the optimizer, the names
            and indices as far as they are known, the shape and dtype of each state when its weight
            is next updated, and with ``multi_precision`` the weight itself, which must be what its
            master copy rounds to. Until every weight has had its turn, an index without a saved
            state is refused too. Without `strict` a state that does not fit begins anew with its
            count, a master copy is taken from its weight, and the rest is loaded.

        Raises
        ------
        TypeError, ValueError
            These are not such bytes, or they do not fit; then nothing has changed. Pickles are
            refused.

        Warns
        -----
        UserWarning
            The learning rate, the scheduler or `begin_num_update` is another one, and this
            optimizer's is used; or some weights with a loaded state get no updates.
        """
        self._take(checkpoint.take(self, states, strict), strict)

    def save(
        self,
        path: Any,
        weights: Mapping[str, Any] | None = None,
        keep: int = 0,
        wait: bool = True,
    ) -> Saving | None:
        """Save all states and update counts, and weights, as one safetensors file.

        An earlier file of that name is replaced as a whole, once the new one is on the disk: a
        process that is killed at any moment leaves the one or the other. Beside the states this
        takes a few megabytes of memory, and that of one tensor where it is on a device.

        Parameters
        ----------
        path : str or path
            The file. A symbolic link is followed.
        weights : dict of str to array, optional
            The weights by name, so that one file is a checkpoint.
        keep : int, optional
            How many earlier files stay, as ``path.1``, which is the latest, ``path.2``, and so on.
        wait : bool, optional
            False to copy everything into host memory and to return while a thread writes it. The
            next `save` or `load` of this updater waits for that, and so does the interpreter
            before it ends.

        Returns
        -------
        Saving or None
            With ``wait=False`` what is being saved: its method `wait` returns when the file is on
            the disk, and raises what went wrong. If nobody asks, the next `save` or `load` raises
            it, or else the end of the interpreter is a warning.

        Raises
        ------
        OSError
            The file cannot be written; the earlier one is as it was.
        TypeError, ValueError
            A state, a weight or an index cannot be saved.
        RuntimeError
            Other threads step meanwhile.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> import weightopt_core as wo
        >>> updater, weight = wo.optimizer.get_updater(wo.optimizer.create("adam")), np.ones(3)
        >>> updater("fc", np.ones(3), weight)
        >>> path = tempfile.mkdtemp() + "/run.safetensors"
        >>> updater.save(path, weights={"fc": weight}, keep=2)
        >>> resumed = wo.optimizer.get_updater(wo.optimizer.create("adam"))
        >>> resumed.load(path)
        {'fc': array([0.999, 0.999, 0.999])}
        """
        return checkpoint.save(self, path, weights, keep, wait)

    def load(self, path: Any, strict: bool = True) -> dict[str, np.ndarray]:
        """Take over what `save` wrote, and return the weights that were saved with it.

        Parameters
        ----------
        path : str or path
            The file.
        strict : bool, optional
            As for `set_states`.

        Returns
        -------
        dict of str to numpy.ndarray
            The weights by name; empty where none were saved.

        Raises
        ------
        OSError
            The file cannot be read.
        ValueError
            It is no such file, it is damaged, or it does not fit; then nothing has changed.
        """
        saved = checkpoint.load(self, path, strict)
        self._take(saved, strict)
        return saved.weights

    def _take(self, saved: Saved, strict: bool) -> None:
        """Go on from what is loaded; states are compared with their weights when these come."""
        progress, optimizer = saved.progress, self.optimizer
        complete = strict and saved.states and progress.counts
        taken = {
            "states": saved.states,
            "_loaded": set(saved.states),
            "_strict": strict,
            "_seen": {*saved.states, *progress.counts},
            "_complete_until": progress.num_update + 1 if complete else -1,
        }
        before, earlier = dict(vars(self)), present(optimizer)
        try:
            progress.give(optimizer)
            vars(self).update(taken)
        except BaseException:  # a signal's handler may raise anywhere
            vars(self).update(before)
            earlier.give(optimizer)
            raise


def get_updater(optimizer: Optimizer) -> Updater:
    """Return an `Updater` for `optimizer`."""
    return Updater(optimizer)
