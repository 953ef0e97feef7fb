"""Reading what may be anybody's bytes: what is returned is checked, or nothing is.

Time and memory are bounded by the length of the file, whatever it claims to hold. It is read and
not mapped: a mapped file that somebody makes shorter ends the process.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import wording
from ...written import parsed
from . import header, progress
from .indices import by_index, is_int

#: What is written, and what can be read.
FORMAT, FORMATS = 3, (1, 2, 3)
#: Bytes that are read and hashed at once.
_PIECE = 1 << 21


@dataclass(frozen=True)
class Saved:
    """What was saved of an updater.

    Attributes
    ----------
    source : str
        What it was read from, for messages.
    progress : progress.Progress
        How far its optimizer had come.
    states : dict of index to state
        With NumPy arrays.
    weights : dict of str to numpy.ndarray
        The weights that were saved with it.
    """

    source: str
    progress: progress.Progress
    states: dict[Any, Any]
    weights: dict[str, np.ndarray]


class _RefusedError(Exception):
    """What is wrong, in the words that its reader is to see."""


def from_bytes(data: Any) -> Saved:
    """Return what `writing.as_bytes` returned as `data`; raise TypeError or ValueError."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(wording("states", "bytes from get_states", type(data).__name__))
    data = bytes(data)
    return _read(io.BytesIO(data), len(data), "states", "bytes from get_states")


def from_file(path: str) -> Saved:
    """Return what was saved in a file; raise ValueError where it is none, or OSError."""
    with open(path, "rb", buffering=0, opener=_opened) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(wording(path, "a file", "a pipe or a device"))
        try:
            return _read(file, status.st_size, path, "a file from Updater.save")
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from error


def _opened(path: str, flags: int) -> int:
    """Open a file; a pipe without a writer would wait for one."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _read(file: Any, size: int, source: str, expected: str) -> Saved:
    start = b""
    try:
        start = _exactly(file, min(size, 8))
        head = start + _exactly(file, header.length(start, size))
        return _saved(file, header.read(head, size), source)
    except _RefusedError as error:
        raise ValueError(f"{error.args[0]}") from None
    except RecursionError:
        got = "others (JSON that is nested too deep)"
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        kind = "" if type(error) is ValueError else f"{type(error).__name__}: "
        got = f"others ({kind}{str(error)[:200]})"
    if start[:1] == b"\x80":
        got = "a pickle, which is never read"
    raise ValueError(wording(source, expected, got))


def _saved(file: Any, head: header.Header, source: str) -> Saved:
    content = parsed(head.metadata["weightopt"])
    if not isinstance(content, dict):
        raise TypeError("expected a JSON object")
    format = content["format"]
    if format not in FORMATS or not is_int(format):
        *others, last = map(str, FORMATS)
        what = "format of states" if source == "states" else f"format of {source}"
        raise _RefusedError(wording(what, f"{', '.join(others)} or {last}", repr(format)[:100]))
    if format > 2 and head.checksums is None:
        raise ValueError("a header without checksums")
    found = progress.checked(content, format)
    tensors = _tensors(file, head)
    states = by_index("states", content["states"])
    states = {index: _put_together(part, tensors, 0) for index, part in states.items()}
    weights = {} if format < 3 else by_index("weights", content["weights"])
    if not all(isinstance(name, str) for name in weights):
        raise TypeError("weights with a name that is no str")
    weights = {name: tensors.pop(key) for name, key in weights.items()}
    if tensors:
        raise ValueError(f"{len(tensors)} arrays that no state has")
    return Saved(source, found, states, weights)


def _tensors(file: Any, head: header.Header) -> dict[str, np.ndarray]:
    """Return all tensors, each with the checksum that the header names."""
    tensors = {}
    sums: Iterable[str | None] = head.checksums or [None] * len(head.entries)
    for entry, expected in zip(head.entries, sums):
        array = entry.empty()
        checksum = header.new_checksum() if expected is not None else None
        _fill(array.reshape(-1).view(np.uint8), file, checksum)
        if checksum is not None and header.hexadecimal(checksum) != expected:
            raise ValueError(f"a tensor {entry.name[:80]!r} that does not have its checksum")
        header.from_file(array)
        tensors[entry.name] = array
    return tensors


def _fill(data: np.ndarray, file: Any, checksum: Any) -> None:
    for begin in range(0, len(data), _PIECE):
        piece = data[begin : begin + _PIECE].data
        if checksum is None:
            _into(piece, file)
        else:
            checksum.update(_into(piece, file))


def _into(piece: memoryview, file: Any) -> memoryview:
    """Fill `piece` from the file, and return it."""
    rest = piece
    while rest:
        count = file.readinto(rest)
        if not count:
            raise ValueError("a file that ends too early, or was made shorter meanwhile")
        rest = rest[count:]
    return piece


def _exactly(file: Any, size: int) -> bytes:
    data = bytearray(size)
    _into(memoryview(data), file)
    return bytes(data)


def _put_together(part: dict[str, Any], tensors: dict[str, np.ndarray], depth: int) -> Any:
    """Return a state, whose arrays are taken out of `tensors`: each belongs to one state."""
    if depth > progress.DEEPEST:
        raise ValueError(f"a state that is nested more than {progress.DEEPEST} deep")
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
