"""What is saved of an updater: metadata, and tensors by name that are not copied."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...backends import backend_of
from ...engine.compiled_step import wait_for_steps
from ...errors import wording
from . import header
from .indices import plain_index
from .progress import DEEPEST, described, moment
from .reading import FORMAT

if TYPE_CHECKING:
    from ..updater import Updater

#: How often a snapshot is taken anew because other threads stepped meanwhile.
_ATTEMPTS = 20


@dataclass(frozen=True)
class Contents:
    """What is saved.

    Attributes
    ----------
    metadata : dict of str to str
        The metadata of the file.
    tensors : dict of str to array
        Arrays of any backend by their names in the file.
    entries : list of header.Entry
        Where each has its place.
    """

    metadata: dict[str, str]
    tensors: dict[str, Any]
    entries: list[header.Entry]

    def arrays(self) -> Iterator[np.ndarray]:
        """Yield the bytes of each tensor, one after another in the order of the file."""
        for entry in self.entries:
            array = self.tensors[entry.name]
            host = backend_of(array, "state").to_host(array)
            if host.nbytes != entry.end - entry.begin:
                raise stepped_meanwhile()
            yield header.to_file(host)


def of(updater: Updater, weights: Mapping[str, Any] | None = None) -> Contents:
    """Return what is saved of `updater`, and of weights by name."""
    tensors: dict[str, Any] = {}
    states = [
        [plain_index(index), _parted(state, json.dumps(plain_index(index)), tensors, 0)]
        for index, state in list(updater.states.items())
    ]
    content = {"format": FORMAT, **described(updater.optimizer), "states": states}
    updater.optimizer._check_saved()
    content["weights"] = [_named(name, weight, tensors) for name, weight in _items(weights)]
    metadata = {"weightopt": json.dumps(content, allow_nan=False)}
    views = {name: backend_of(array, "state").view(array, name) for name, array in tensors.items()}
    entries = header.placed((name, view.dtype, view.shape) for name, view in views.items())
    return Contents(metadata, tensors, entries)


def snapshot(updater: Updater, weights: Mapping[str, Any] | None) -> Contents:
    """Return the same with copies in host memory, all of one moment between two steps.

    Raises
    ------
    RuntimeError
        Other threads stepped during each of many attempts.
    """
    for _ in range(_ATTEMPTS):
        before = settled(updater)
        contents = of(updater, weights)
        copies = dict(zip(contents.tensors, map(_copied, contents.tensors.values())))
        if moment(updater.optimizer) == before:
            return Contents(contents.metadata, copies, contents.entries)
    raise stepped_meanwhile()


def settled(updater: Updater) -> Any:
    """Return the `moment` of an updater, once all steps that it counts have been computed."""
    now = moment(updater.optimizer)
    wait_for_steps()
    return now


def stepped_meanwhile() -> RuntimeError:
    """Return the error of states that do not stay as they are while they are read."""
    expected = "to stay as they are while they are saved"
    remedy = "save in the thread that steps, or between steps"
    return RuntimeError(wording("states", expected, "steps in another thread", remedy))


def _items(weights: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    if weights is None:
        return []
    if not isinstance(weights, Mapping):
        raise TypeError(wording("weights", "a dict of arrays by name", type(weights).__name__))
    return list(weights.items())


def _named(name: Any, weight: Any, tensors: dict[str, Any]) -> list[str]:
    if not isinstance(name, str):
        raise TypeError(wording("name of a weight", "a str", repr(name)))
    # A state's name begins with a digit, a minus or a quotation mark.
    key = f"weight/{name}"
    _take(weight, key, f"weight {name!r}", "an array of numbers", tensors)
    return [str(name), key]


def _parted(state: Any, name: str, tensors: dict[str, Any], depth: int) -> Any:
    if isinstance(state, float) and not math.isfinite(state):
        return {"float": repr(float(state))}
    if state is None or isinstance(state, (bool, int, float, str)):
        return {"value": state}
    if isinstance(state, (tuple, list)):
        if depth == DEEPEST:
            raise ValueError(wording("state", f"tuples in at most {DEEPEST} others", "more"))
        kind = "tuple" if isinstance(state, tuple) else "list"
        parts = enumerate(state)
        return {kind: [_parted(part, f"{name}/{i}", tensors, depth + 1) for i, part in parts]}
    kinds = "None, numbers, arrays of numbers, tuples and lists of them"
    _take(state, name, f"state of {name}", kinds, tensors)
    return {"tensor": name}


def _take(array: Any, name: str, argument: str, expected: str, tensors: dict[str, Any]) -> None:
    """Take an array among `tensors`, or raise TypeError where it cannot be saved."""
    try:
        dtype = backend_of(array, "state").view(array, "state").dtype
    except TypeError:
        dtype = None
    if dtype is None or header.code_of(dtype) is None:
        raise TypeError(wording(argument, expected, repr(array)))
    tensors[name] = array


def _copied(array: Any) -> np.ndarray:
    return np.array(backend_of(array, "state").to_host(array), order="C")
