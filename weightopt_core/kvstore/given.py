"""Keys and values as they are given: one of each, or lists of them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..backends import cpu
from ..dtypes import compute_of
from ..errors import wording

Key = int | str
#: Shape and dtype of the weight of a key.
Form = Callable[[Key], tuple[tuple[int, ...], "np.dtype[Any]"]]


def keys_of(key: Any) -> list[Key]:
    """Return one key, or a list of them, as a list."""
    return [_key(one) for one in key] if _is_list(key) else [_key(key)]


def weights_by_key(key: Any, value: Any) -> tuple[list[Key], list[np.ndarray]]:
    """Return keys that differ, and the array of each, which is only read."""
    keys = keys_of(key)
    if len(set(keys)) < len(keys):
        twice = next(one for one in keys if keys.count(one) > 1)
        raise ValueError(wording("key", "each key once", f"{twice!r} twice"))
    values = _values(key, keys, value, "value")
    names = [f"value of {one!r}" for one in keys]
    return keys, [cpu.check(one, name, written=False) for one, name in zip(values, names)]


def gradients_by_key(key: Any, value: Any, form: Form) -> tuple[list[Key], list[np.ndarray]]:
    """Return keys that differ, and the sum of the gradients of each."""
    keys = keys_of(key)
    found: dict[Key, list[np.ndarray]] = {}
    for one, given in zip(keys, _values(key, keys, value, "value")):
        shape, dtype = form_of(one, form)
        arrays = list(given) if _is_list(given) else [given]
        if not arrays:
            raise ValueError(wording(f"value of {one!r}", "at least one gradient", "none"))
        for array in arrays:
            name = f"gradient of {one!r}"
            checked = cpu.check(array, name, shape, (dtype.name,), written=False)
            found.setdefault(one, []).append(checked)
    return list(found), [summed(arrays) for arrays in found.values()]


def arrays_to_fill(key: Any, keys: list[Key], out: Any, form: Form) -> list[list[np.ndarray]]:
    """Return the arrays that each key's weight is to be written to."""
    wanted = []
    for one, given in zip(keys, _values(key, keys, out, "out")):
        shape, dtype = form_of(one, form)
        arrays = list(given) if _is_list(given) else [given]
        name = f"out of {one!r}"
        wanted.append([cpu.check(array, name, shape, (dtype.name,)) for array in arrays])
    return wanted


def summed(arrays: list[np.ndarray]) -> np.ndarray:
    """Return the sum of arrays in their order: 16-bit ones in float32, and rounded once."""
    first, *others = arrays
    if not others:
        return first
    with np.errstate(all="ignore"):
        total = np.array(first, compute_of(first.dtype.name))
        for array in others:
            total += array.astype(total.dtype, copy=False)
        return total.astype(first.dtype, copy=False)


def form_of(key: Key, form: Form) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype of the weight of a key, or raise ValueError."""
    try:
        return form(key)
    except KeyError:
        raise ValueError(wording("key", "one that init() was called with", repr(key))) from None


def _values(key: Any, keys: list[Key], value: Any, argument: str) -> list[Any]:
    if not _is_list(key):
        return [value]
    if not _is_list(value) or len(value) != len(keys):
        got = f"{len(value)}" if _is_list(value) else f"a {type(value).__name__}"
        raise ValueError(wording(argument, f"a list of {len(keys)}, one for each key", got))
    return list(value)


def _key(key: Any) -> Key:
    if isinstance(key, str):
        return str(key)
    if not isinstance(key, (bool, np.bool_)):
        try:
            return operator.index(key)
        except TypeError:
            pass
    raise TypeError(wording("key", "an int or a str", repr(key)))


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))
