"""What one server keeps: weights by key, and an updater with their states."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import wording
from ..optimizer import Optimizer, Updater
from ..optimizer.states import as_stored
from ..written import parsed
from .given import Key
from .placing import SLICES, layout_of
from .specification import Specification

#: What the rest of a checkpoint is called among its weights, whose names are JSON.
_REST = "kvstore"


class Shard:
    """Weights, and the optimizer that updates them.

    Attributes
    ----------
    weights : dict
        Arrays by key.
    versions : dict
        How often each was updated.
    specification : Specification or None
        The optimizer, as it was sent.
    layout : str
        How far keys may be taken apart for it.
    rest : dict
        What else its checkpoint had, as JSON keeps it.
    """

    def __init__(self) -> None:
        self.weights: dict[Key, np.ndarray] = {}
        self.versions: dict[Key, int] = {}
        self.specification: Specification | None = None
        self.layout = SLICES
        self.rest: dict[str, Any] = {}
        self._updater: Updater | None = None

    @property
    def optimizer(self) -> Optimizer | None:
        """What updates the weights."""
        return None if self._updater is None else self._updater.optimizer

    def form(self, key: Key) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return shape and dtype of a weight."""
        weight = self.weights[key]
        return weight.shape, weight.dtype

    def weights_of(self, keys: Sequence[Key]) -> list[np.ndarray]:
        """Return the weights themselves."""
        for key in keys:
            if key not in self.weights:
                raise ValueError(wording("key", "one that init() was called with", repr(key)))
        return [self.weights[key] for key in keys]

    def init(self, keys: Sequence[Key], arrays: Sequence[np.ndarray]) -> None:
        """Take copies of first weights."""
        self.check_new(keys)
        self.weights.update((key, np.array(array, order="C")) for key, array in zip(keys, arrays))
        self.versions.update(dict.fromkeys(keys, 0))

    def check_new(self, keys: Sequence[Key]) -> None:
        """Raise ValueError where a key is there already."""
        for key in keys:
            if key in self.weights:
                got = f"{key!r}, which is there"
                raise ValueError(wording("key", "one that is not initialized yet", got))

    def update(
        self,
        keys: Sequence[Key],
        grads: Sequence[np.ndarray],
        pulled: Mapping[Key, np.ndarray] | None = None,
    ) -> None:
        """Update weights by one call of the optimizer; where it raises, nothing has changed.

        Parameters
        ----------
        keys, grads : sequence
            What is updated, and by what.
        pulled : dict, optional
            The weights that the gradients were computed at, for an optimizer that keeps them.
        """
        weights = self.weights_of(keys)
        updater = self._updater
        if updater is None:
            for weight, grad in zip(weights, grads):
                weight[...] = grad
        else:
            for key, weight in zip(keys, weights) if pulled is not None else ():
                if key not in updater.states:
                    updater.states[key] = updater.optimizer.create_state(key, weight)
                known = _pulled_state(updater.optimizer, updater.states[key])
                known[...] = as_stored(updater.optimizer, (pulled or {}).get(key, weight))
            updater(list(keys), list(grads), weights)
        for key in keys:
            self.versions[key] += 1

    def set_optimizer(self, specification: Specification) -> None:
        """Make an optimizer; states and counts stay where it is of the same class."""
        known = self.specification
        if known is not None and known.text == specification.text:
            return
        optimizer = specification.create()
        updater = Updater(optimizer)
        if self._updater is not None and _classes(self._updater.optimizer) == _classes(optimizer):
            updater.set_states(self._updater.get_states(), strict=False)
        self._updater, self.specification = updater, specification
        self.layout = layout_of(optimizer)

    def save(self, path: Any, rest: Mapping[str, Any] | None = None, keep: int = 0) -> None:
        """Write all into one file, which is replaced as a whole.

        Parameters
        ----------
        path : str or path
            The file.
        rest : dict, optional
            What else is to be kept, as JSON keeps it.
        keep : int
            How many earlier files stay.
        """
        content = {
            "versions": list(self.versions.items()),
            "optimizer": self.specification,
            "rest": rest or {},
        }
        data = np.frombuffer(json.dumps(content).encode(), np.uint8)
        weights = {json.dumps(key): weight for key, weight in self.weights.items()}
        updater = self._updater or Updater(Optimizer())
        updater.save(path, weights={**weights, _REST: data}, keep=keep)

    def dump(self, rest: Mapping[str, Any]) -> bytes:
        """Return what `save` writes."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "shard"
            self.save(path, rest)
            return path.read_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Shard:
        """Return what `dump` returned."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "shard"
            path.write_bytes(data)
            return cls.loaded(path)

    @classmethod
    def loaded(cls, path: Any) -> Shard:
        """Return what `save` wrote."""
        weights = Updater(Optimizer()).load(path, strict=False)
        shard = cls()
        try:
            content = parsed(weights.pop(_REST).tobytes())
            shard.weights = {_key(name): array for name, array in weights.items()}
            shard.versions = {key: int(version) for key, version in content["versions"]}
            shard.rest = dict(content["rest"])
            written = content["optimizer"]
            shard.specification = None if written is None else Specification(*written)
            if shard.versions.keys() != shard.weights.keys():
                raise ValueError("keys without a version")
        except (KeyError, TypeError, ValueError) as error:
            got = f"others ({type(error).__name__}: {error})"
            raise ValueError(wording(str(path), "a file from KVStore.save", got)) from error
        if shard.specification is not None:
            optimizer = shard.specification.create()
            shard._updater = Updater(optimizer)
            # The file has weights and states of one moment; a key without updates has no state.
            shard._updater.load(path, strict=False)
            shard.layout = layout_of(optimizer)
        return shard


def _key(name: str) -> Key:
    key = parsed(name)
    if isinstance(key, bool) or not isinstance(key, (int, str)):
        raise TypeError(f"a weight {name[:80]!r}, whose name is no key")
    return key


def _pulled_state(optimizer: Optimizer, state: Any) -> Any:
    """Return the array of a state that holds the weight which a gradient was computed at."""
    place = optimizer.rule.states.index(optimizer.pulled_state)  # type: ignore[union-attr, arg-type]
    return state[place] if isinstance(state, (tuple, list)) else state


def _classes(optimizer: Optimizer) -> Any:
    return type(optimizer), [_classes(one) for one in optimizer.inner]
