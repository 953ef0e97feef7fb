"""The store in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import KVStore, Report
from .given import Key
from .shard import Shard
from .specification import specified

if TYPE_CHECKING:
    from ..optimizer import Optimizer


class LocalKVStore(KVStore):
    """A store for one worker, in its own memory.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> store = wo.kvstore.create("local")
    >>> store.init([3, "bias"], [np.zeros(2), np.zeros(1)])
    >>> store.push(3, [np.ones(2), np.ones(2)])
    >>> store.pull([3, "bias"])
    [array([2., 2.]), array([0.])]
    """

    rank = 0
    num_workers = 1

    def __init__(self) -> None:
        self._shard = Shard()
        self._pushes = 0

    def _form(self, key: Key) -> tuple[tuple[int, ...], np.dtype[Any]]:
        return self._shard.form(key)

    def _init(self, keys: list[Key], arrays: list[np.ndarray]) -> None:
        self._shard.init(keys, arrays)

    def _push(self, keys: list[Key], arrays: list[np.ndarray]) -> None:
        self._shard.update(keys, arrays)
        self._pushes += 1

    def _pull(self, keys: Sequence[Key]) -> list[np.ndarray]:
        return [weight.copy() for weight in self._shard.weights_of(keys)]

    def set_optimizer(self, optimizer: Optimizer | str) -> None:
        """Let an optimizer update the weights; see `KVStore.set_optimizer`."""
        self._shard.set_optimizer(specified(optimizer))

    def barrier(self) -> None:
        """Return: there is no other worker."""

    def save(self, path: Any) -> None:
        """Write weights, optimizer, states and counts into one safetensors file."""
        self._shard.save(path)

    def load(self, path: Any) -> None:
        """Take over all that `save` wrote, in the place of what is there."""
        self._shard = Shard.loaded(path)

    def report(self) -> Report:
        """Return how many pushes there were; none is late or lost."""
        return Report(self._pushes, 0, {})
