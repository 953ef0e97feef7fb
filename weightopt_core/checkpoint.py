"""States and update counts as safetensors bytes: safe to read, and enough to resume from.

The tensors are the arrays of the states. The metadata, under the key ``weightopt``, is JSON with
the optimizer's name, its counts, and for each index how the state is built from the tensors.
"""

from __future__ import annotations

import json
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from .backends import backend_of
from .dtypes import STORAGE, dtype_of, storage_of
from .errors import wording
from .rates import Counts

if TYPE_CHECKING:
    from .updater import Updater

FORMAT = 1
#: The names of dtypes by those of safetensors.
_DTYPES = {storage.code: name for name, storage in STORAGE.items()}
_DTYPES |= {f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)}
_DTYPES |= {f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)}


def dump(updater: Updater) -> bytes:
    """Return the states and counts of `updater` as bytes."""
    tensors: dict[str, np.ndarray] = {}
    states = [
        [_index_out(index), _taken_apart(state, json.dumps(_index_out(index)), tensors)]
        for index, state in updater.states.items()
    ]
    optimizer = updater.optimizer
    content = {
        "format": FORMAT,
        "optimizer": type(optimizer).__name__.lower(),
        "num_update": optimizer.num_update,
        "counts": [
            [_index_out(index), count] for index, count in optimizer._index_update_count.items()
        ],
        "noise_seed": None if optimizer.noise_seed is None else optimizer._stepper.seed(optimizer),
        "states": states,
    }
    _safetensors()
    from safetensors.numpy import save

    return save(tensors, {"weightopt": json.dumps(content)})


def load(updater: Updater, data: bytes) -> None:
    """Give `updater` the states and counts that `dump` returned as `data`."""
    content, tensors = _read(data)
    optimizer = updater.optimizer
    name = type(optimizer).__name__.lower()
    if content.get("optimizer") != name:
        got = f"those of {content.get('optimizer')}"
        raise ValueError(wording("states", f"those of {name}", got))
    try:
        states = {i: _put_together(part, tensors) for i, part in content["states"]}
        counts = dict(content["counts"])
        Counts(counts, content["num_update"])  # raises where it is no count
        noise_seed = content["noise_seed"]
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(_not_ours(error)) from error
    updater.states = states
    optimizer._rates.true.replace(counts, content["num_update"])
    optimizer.noise_seed = noise_seed


def _read(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(wording("states", "bytes from get_states", type(data).__name__))
    data = bytes(data)
    safetensors = _safetensors()
    try:
        tensors = {name: _array(**entry) for name, entry in safetensors.deserialize(data)}
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        content = json.loads(header["__metadata__"]["weightopt"])
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
        if data[:1] == b"\x80":
            got = "a pickle, which is never read"
            raise ValueError(wording("states", "bytes from get_states", got)) from error
        raise ValueError(_not_ours(error)) from error
    if not isinstance(content, dict):
        raise ValueError(_not_ours(content))
    if content.get("format") != FORMAT:
        raise ValueError(wording("format of states", str(FORMAT), str(content.get("format"))))
    return content, tensors


def _not_ours(found: Any) -> str:
    got = f"others ({type(found).__name__}: {found})"
    return wording("states", "bytes from get_states", got)


def _index_out(index: Any) -> Any:
    """Return an index as JSON keeps it."""
    if isinstance(index, str):
        return index
    try:
        return operator.index(index)
    except TypeError:
        raise TypeError(wording("index", "a str or an int", repr(index))) from None


def _array(dtype: str, shape: list[int], data: Any) -> np.ndarray:
    return np.frombuffer(bytes(data), dtype_of(_DTYPES[dtype])).reshape(shape).copy()


def _taken_apart(state: Any, name: str, tensors: dict[str, np.ndarray]) -> Any:
    if state is None or isinstance(state, (bool, int, float, str)):
        return {"value": state}
    if isinstance(state, (tuple, list)):
        kind = "tuple" if isinstance(state, tuple) else "list"
        parts = enumerate(state)
        return {kind: [_taken_apart(part, f"{name}/{i}", tensors) for i, part in parts]}
    try:
        array = backend_of(state, "state").to_host(state)
    except TypeError:
        array = None
    if array is None or not _is_saved(array.dtype.newbyteorder("=")):
        kinds = "None, numbers, arrays of numbers, tuples and lists of them"
        raise TypeError(wording(f"state of {name}", kinds, repr(state)))
    tensors[name] = np.asarray(array, order="C")
    return {"tensor": name}


def _is_saved(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "iu" or storage_of(dtype) is not None


def _put_together(part: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
    ((kind, content),) = part.items()
    if kind == "value":
        return content
    if kind == "tensor":
        return tensors[content]
    parts = [_put_together(inner, tensors) for inner in content]
    return tuple(parts) if kind == "tuple" else parts


def _safetensors() -> Any:
    try:
        import safetensors
    except ImportError as error:
        raise ImportError(
            'saving states needs safetensors; pip install "weightopt-core[checkpoint]"'
        ) from error
    return safetensors
