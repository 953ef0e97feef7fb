"""Reading states from bytes that may be anybody's: what is returned is checked, or nothing is.

Time and memory are bounded by the length of the bytes, whatever they claim to hold.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...dtypes import STORAGE, dtype_of
from ...errors import wording
from ...written import parsed
from ..rates import Counts

#: What is written, and what can be read.
FORMAT, FORMATS = 2, (1, 2)
#: How deep tuples and lists of a state may be nested.
DEEPEST = 32
#: Bytes of a header that the format allows; its own reader refuses more.
LARGEST_HEADER = 100_000_000
#: The names of dtypes by those of safetensors.
_DTYPES = {storage.code: name for name, storage in STORAGE.items()}
_DTYPES |= {f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)}
_DTYPES |= {f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)}


@dataclass(frozen=True)
class Saved:
    """What was saved of an updater and its optimizer.

    Attributes
    ----------
    optimizer : str
        The name of the optimizer's class.
    num_update : int
        The largest count of all.
    counts : dict of index to int
        How often each weight was updated.
    noise_seed : int or None
        The seed of noise and rounding.
    states : dict of index to state
        With NumPy arrays.
    settings : dict
        What describes the optimizer, as `comparing.settings` returns it; empty for format 1.
    """

    optimizer: str
    num_update: int
    counts: dict[Any, int]
    noise_seed: int | None
    states: dict[Any, Any]
    settings: dict[str, Any] = field(default_factory=dict)


def read(data: Any) -> Saved:
    """Return what `checkpoint.dump` wrote as `data`; raise TypeError or ValueError."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(wording("states", "bytes from get_states", type(data).__name__))
    data = bytes(data)
    safetensors = safetensors_package()
    try:
        return _checked(_content(data), safetensors.deserialize(data))
    except _UnknownFormatError as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        got = "others (JSON that is nested too deep)"
    except (
        safetensors.SafetensorError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
    ) as error:
        got = f"others ({type(error).__name__}: {str(error)[:200]})"
    if data[:1] == b"\x80":
        got = "a pickle, which is never read"
    raise ValueError(wording("states", "bytes from get_states", got))


class _UnknownFormatError(Exception):
    """A format that this version cannot read."""


def safetensors_package() -> Any:
    """Return the package safetensors; raise ImportError that says how to install it."""
    try:
        import safetensors
    except ImportError as error:
        raise ImportError(
            'saving states needs safetensors; pip install "weightopt-core[checkpoint]"'
        ) from error
    return safetensors


def plain_index(index: Any) -> str | int:
    """Return an index as JSON keeps it, or raise TypeError."""
    if isinstance(index, str):
        return str(index)
    try:
        return int(operator.index(index))
    except TypeError:
        raise TypeError(wording("index", "a str or an int", repr(index))) from None


def check_seed(seed: Any) -> int | None:
    """Return a seed of noise that can be saved, or None."""
    if seed is None or (_is_int(seed) and 0 <= seed < 2**64):
        return seed
    raise ValueError(wording("noise_seed", "None or an integer in [0, 2**64)", repr(seed)))


def _content(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    if not 0 < length <= min(len(data) - 8, LARGEST_HEADER):
        raise ValueError(f"a header of {length} bytes in {len(data)}")
    content = _parsed(_parsed(data[8 : 8 + length])["__metadata__"]["weightopt"])
    if content["format"] not in FORMATS or not _is_int(content["format"]):
        expected = " or ".join(map(str, FORMATS))
        got = repr(content["format"])[:100]
        raise _UnknownFormatError(wording("format of states", expected, got))
    return content


def _checked(content: dict[str, Any], entries: Any) -> Saved:
    tensors = {name: _array(**entry) for name, entry in entries}
    states = _by_index("states", content["states"])
    states = {index: _put_together(part, tensors, 0) for index, part in states.items()}
    if tensors:
        raise ValueError(f"{len(tensors)} arrays that no state has")
    counts = _by_index("counts", content["counts"])
    Counts(counts, content["num_update"])  # raises where one is no count
    settings = {} if content["format"] == 1 else content["settings"]
    if not isinstance(content["optimizer"], str) or not isinstance(settings, dict):
        raise TypeError("the optimizer is not described")
    seed = check_seed(content["noise_seed"])
    return Saved(content["optimizer"], content["num_update"], counts, seed, states, settings)


def _parsed(text: Any) -> dict[str, Any]:
    found = parsed(text)
    if not isinstance(found, dict):
        raise TypeError("expected a JSON object")
    return found


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _by_index(what: str, pairs: Any) -> dict[Any, Any]:
    if not isinstance(pairs, list):
        raise TypeError(f"{what} that are no list")
    found = {}
    for index, value in pairs:
        if not isinstance(index, str) and not _is_int(index):
            raise TypeError(f"{what} with an index that is neither a str nor an int")
        if index in found:
            raise ValueError(f"{what} with an index that is there twice")
        found[index] = value
    return found


def _array(dtype: str, shape: list[int], data: Any) -> np.ndarray:
    return np.frombuffer(bytes(data), dtype_of(_DTYPES[dtype])).reshape(shape).copy()


def _put_together(part: dict[str, Any], tensors: dict[str, np.ndarray], depth: int) -> Any:
    """Return a state, whose arrays are taken out of `tensors`: each belongs to one state."""
    if depth > DEEPEST:
        raise ValueError(f"a state that is nested more than {DEEPEST} deep")
    ((kind, content),) = part.items()
    if kind == "tensor":
        return tensors.pop(content)
    if kind == "value" and (content is None or isinstance(content, (bool, int, float, str))):
        return content
    if kind == "float" and content in ("nan", "inf", "-inf"):
        return float(content)
    if kind not in ("tuple", "list") or not isinstance(content, list):
        raise ValueError(f"a part of a state that is none: {kind}")
    parts = [_put_together(inner, tensors, depth + 1) for inner in content]
    return tuple(parts) if kind == "tuple" else parts
