"""States and update counts as safetensors bytes: safe to read, and enough to resume from.

The tensors are the arrays of the states. The metadata, under the key ``weightopt``, is JSON with
the optimizer's name, its settings, its counts, and for each index how the state is built from the
tensors.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ...backends import backend_of
from ...dtypes import storage_of
from ...errors import wording
from . import comparing
from .reading import (
    DEEPEST,
    FORMAT,
    LARGEST_HEADER,
    Saved,
    check_seed,
    plain_index,
    read,
    safetensors_package,
)

if TYPE_CHECKING:
    from ..updater import Updater


def dump(updater: Updater) -> bytes:
    """Return the states and counts of `updater` as bytes."""
    tensors: dict[str, np.ndarray] = {}
    states = [
        [plain_index(index), _parted(state, json.dumps(plain_index(index)), tensors, 0)]
        for index, state in updater.states.items()
    ]
    optimizer = updater.optimizer
    counts = optimizer._index_update_count
    seed = None if optimizer.noise_seed is None else optimizer._stepper.seed(optimizer)
    content = {
        "format": FORMAT,
        "optimizer": comparing.name_of(optimizer),
        "settings": comparing.settings(optimizer),
        "num_update": optimizer.num_update,
        "counts": [[plain_index(index), count] for index, count in counts.items()],
        "noise_seed": check_seed(seed),
        "states": states,
    }
    return _written(tensors, {"weightopt": json.dumps(content, allow_nan=False)})


def load(updater: Updater, data: bytes, strict: bool) -> Saved:
    """Give `updater` the states and counts that `dump` returned as `data`."""
    saved = read(data)
    optimizer = updater.optimizer
    if strict:
        comparing.check(saved, optimizer, updater.states)
    optimizer._rates.true.replace(saved.counts, saved.num_update)
    optimizer.noise_seed = saved.noise_seed
    updater.states = saved.states
    return saved


def _written(tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> bytes:
    safetensors = safetensors_package()
    from safetensors.numpy import save

    try:
        data = save(tensors, metadata)
        fits = int.from_bytes(data[:8], "little") <= LARGEST_HEADER
    except safetensors.SafetensorError as error:  # older ones write what they cannot read
        if "header too large" not in str(error):
            raise
        fits = False
    if not fits:
        limit = f"at most {LARGEST_HEADER / 1e6:.0f} MB, the limit of safetensors"
        remedy = "use shorter names or integers as indices, or several updaters"
        raise ValueError(wording("header of states", limit, "more", remedy))
    return data


def _parted(state: Any, name: str, tensors: dict[str, np.ndarray], depth: int) -> Any:
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
