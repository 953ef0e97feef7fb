"""The base class of key-value stores, in MXNet's words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import wording
from ..kinds import KVSTORE
from ..registry import Registry
from .given import Key, arrays_to_fill, form_of, gradients_by_key, keys_of, weights_by_key

if TYPE_CHECKING:
    import numpy as np

    from ..optimizer import Optimizer


class Report(NamedTuple):
    """What became of the pushes to a store.

    Attributes
    ----------
    pushes : int
        How many this worker has made; one that goes to several servers counts for each.
    lost : int
        How many of these were taken by a server that died before it had saved them.
    staleness : dict of int to int
        How many gradients of a key were late by how many updates: those made after the worker had
        pulled the key. All workers count.
    """

    pushes: int
    lost: int
    staleness: dict[int, int]


class KVStore(ABC):
    """Weights by key, on this or on other machines.

    A key is an int or a str, and identifies its weight for the optimizer too: multipliers and
    counts belong to it. Methods take one key, or a list of keys with a list of values. Gradients
    are only read; several for one key are summed.
    """

    @property
    @abstractmethod
    def rank(self) -> int | None:
        """The number of this worker, from 0; None for who only looks on."""

    @property
    @abstractmethod
    def num_workers(self) -> int:
        """How many workers push to the store."""

    def init(self, key: Any, value: Any) -> None:
        """Give keys their first weights, which are copied.

        Parameters
        ----------
        key : int or str, or list of them
            Keys that are not in the store.
        value : array, or list of array
            The weights, in host memory. Those of worker 0 count; another worker says by them what
            it expects, and waits until they are there.

        Raises
        ------
        TypeError, ValueError
            An argument is not as described, a key is there already, or it has another shape or
            dtype; then nothing has changed.
        """
        keys, arrays = weights_by_key(key, value)
        if keys:
            self._init(keys, arrays)

    def push(self, key: Any, value: Any, priority: int = 0) -> None:
        """Give gradients to the store, whose optimizer updates the weights.

        Without an optimizer the sum of what is pushed replaces the weight.

        Parameters
        ----------
        key : int or str, or list of them
            Keys of the store. A list is updated by one call of the optimizer.
        value : array or list of array, or list of these
            For each key a gradient of the weight's shape and dtype, or several, which are summed
            in their order; 16-bit ones in float32, and rounded once.
        priority : int, optional
            MXNet's hint, which changes no result: pushes keep their order.

        Raises
        ------
        TypeError, ValueError
            An argument is not as described; then nothing has changed.
        """
        _check_priority(priority)
        keys, arrays = gradients_by_key(key, value, self._form)
        if keys:
            self._push(keys, arrays)

    def pull(self, key: Any, out: Any = None, priority: int = 0) -> Any:
        """Return weights, with all that this worker has pushed.

        Parameters
        ----------
        key : int or str, or list of them
            Keys of the store.
        out : array or list of array, or list of these, optional
            For each key the arrays to fill, of the weight's shape and dtype.
        priority : int, optional
            As for `push`.

        Returns
        -------
        numpy.ndarray, list of numpy.ndarray, or None
            Copies of the weights; None where `out` was filled.
        """
        _check_priority(priority)
        keys = keys_of(key)
        if out is None:
            for one in keys:
                form_of(one, self._form)
            found = self._pull(keys) if keys else []
            return found if isinstance(key, (list, tuple)) else found[0]
        wanted = arrays_to_fill(key, keys, out, self._form)
        for own, array in zip(wanted, self._pull(keys) if keys else []):
            for target in own:
                target[...] = array
        return None

    def pushpull(self, key: Any, value: Any, out: Any = None, priority: int = 0) -> Any:
        """Push gradients and pull the same keys; `value` itself is never written to."""
        if out is not None:
            arrays_to_fill(key, keys_of(key), out, self._form)  # refused before anything is pushed
        self.push(key, value, priority)
        return self.pull(key, out, priority)

    @abstractmethod
    def set_optimizer(self, optimizer: Optimizer | str) -> None:
        """Let an optimizer update the weights.

        It is sent by its name and its arguments, and made anew where the weights are: the caller's
        own object is not changed, and changes of it have no effect until it is set again. Where an
        optimizer of the same class was there, states and counts stay as far as they fit, so that
        another rate takes nothing away; an equal one changes nothing. Another class begins anew.

        Parameters
        ----------
        optimizer : Optimizer or str
            An optimizer of a registered or installed class; or its name, or what its `dumps`
            returned. All workers set the same; that of worker 0 counts.

        Raises
        ------
        TypeError
            It cannot be written down, as with ``sym`` or a function as its scheduler.
        ValueError, PluginError
            It is not installed where the weights are; the message says where.
        """

    @abstractmethod
    def barrier(self) -> None:
        """Return once all workers have called it as often as this one."""

    @abstractmethod
    def save(self, path: Any) -> None:
        """Write weights, optimizer, states and counts into one file, which is replaced as a whole.

        Other workers must not push meanwhile: call it between two barriers.
        """

    @abstractmethod
    def load(self, path: Any) -> None:
        """Take over all that `save` wrote, in the place of what is there."""

    @abstractmethod
    def report(self) -> Report:
        """Return what became of the pushes: how many were lost, and how late gradients were."""

    @abstractmethod
    def _form(self, key: Key) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return shape and dtype of a key's weight, or raise KeyError."""

    @abstractmethod
    def _init(self, keys: list[Key], arrays: list[np.ndarray]) -> None: ...

    @abstractmethod
    def _push(self, keys: list[Key], arrays: list[np.ndarray]) -> None: ...

    @abstractmethod
    def _pull(self, keys: Sequence[Key]) -> list[np.ndarray]:
        """Return arrays that belong to the caller."""


def _check_priority(priority: Any) -> None:
    if not hasattr(priority, "__index__"):
        raise TypeError(wording("priority", "an int", repr(priority)))


registry = Registry(KVSTORE.name, KVSTORE.group, KVStore, "kvstore")
register = registry.register


def create(name: str = "local", **kwargs: Any) -> Any:
    """Return a new key-value store by its name.

    Parameters
    ----------
    name : str
        ``"local"``, or the name under which an installed package has one.
    **kwargs
        Its arguments.

    Raises
    ------
    ValueError
        No store has that name; the message has the nearest names and how to install it.
    """
    return registry.find(name)(**kwargs)
