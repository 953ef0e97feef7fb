"""The header of a safetensors file, with checksums: what the tensors are, and where they are.

A file is 8 bytes with the length of its header, the header, and the elements of the tensors. The
header is JSON: for each tensor its type, its shape and its place among the elements, and metadata.
Their first entry, `CHECKSUMS`, holds one checksum for each tensor, in the order of the file, and
last the header's own: that of the 8 bytes and the header with 32 zeros for itself. A checksum is
the first 16 bytes of SHA-256, in hexadecimal, so that its width is known before its value.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...dtypes import STORAGE, dtype_of, storage_of
from ...errors import wording
from ...written import parsed

#: The name of the checksums among the metadata, and what every header with them begins with.
CHECKSUMS = "weightopt-sha256"
_BEGIN = f'{{"__metadata__":{{"{CHECKSUMS}":"'.encode()
_WIDTH = 32
#: Bytes of a header that the format allows; its own reader refuses more.
_LARGEST = 100_000_000
_MOST_AXES = 64
#: The names of dtypes by those of safetensors.
_DTYPES = {storage.code: name for name, storage in STORAGE.items()}
_DTYPES |= {f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)}
_DTYPES |= {f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)}
_CODES = {name: code for code, name in _DTYPES.items()}
#: The byte order of elements in a file, whatever that of the processor is: the lowest byte first.
_ORDER = "<"

#: Makes a running checksum, and takes bytes with ``update``.
new_checksum = hashlib.sha256


def hexadecimal(checksum: Any) -> str:
    """Return a finished checksum as a file has it."""
    return checksum.hexdigest()[:_WIDTH]


class Entry(NamedTuple):
    """One tensor of a file.

    Attributes
    ----------
    name : str
        Its name.
    code : str
        Its type, as safetensors names it.
    shape : tuple of int
        Its shape.
    begin, end : int
        Its place in bytes, from the end of the header.
    """

    name: str
    code: str
    shape: tuple[int, ...]
    begin: int
    end: int

    def empty(self) -> np.ndarray:
        """Return an array for its elements."""
        return np.empty(self.shape, dtype_of(_DTYPES[self.code]))


@dataclass(frozen=True)
class Header:
    """What the head of a file says.

    Attributes
    ----------
    metadata : dict of str to str
        The metadata.
    entries : list of Entry
        The tensors in the order of the file.
    checksums : list of str or None
        Those of the tensors; None where the file has none.
    size : int
        Bytes in front of the elements.
    """

    metadata: dict[str, str]
    entries: list[Entry]
    checksums: list[str] | None
    size: int


def to_file(array: np.ndarray) -> np.ndarray:
    """Return the bytes of an array as a file has them; they may be the array's own memory."""
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(-1)
    # As integers, because not every registered type can be had in another byte order.
    bits = native.view(f"u{native.itemsize}")
    return bits.astype(f"{_ORDER}u{native.itemsize}", copy=False).view(np.uint8)


def from_file(array: np.ndarray) -> None:
    """Turn an array whose memory has the bytes of a file into one of numbers."""
    bits = array.reshape(-1).view(f"u{array.itemsize}")
    in_file = bits.view(f"{_ORDER}u{array.itemsize}")
    if not in_file.dtype.isnative:
        bits[...] = in_file


def code_of(dtype: np.dtype[Any]) -> str | None:
    """Return how safetensors names a dtype; None for one that is not saved."""
    native = dtype.newbyteorder("=")
    return _CODES.get(native.name if native.kind in "iu" else storage_of(native) or "")


def placed(forms: Iterable[tuple[str, np.dtype[Any], tuple[int, ...]]]) -> list[Entry]:
    """Return tensors in the order of a file: the widest types first, so that each is aligned."""
    entries, end = [], 0
    for name, dtype, shape in sorted(forms, key=lambda form: -form[1].itemsize):
        begin, end = end, end + dtype.itemsize * math.prod(shape)
        entries.append(Entry(name, str(code_of(dtype)), shape, begin, end))
    return entries


def written(entries: list[Entry], metadata: dict[str, str], checksums: Iterable[str]) -> bytes:
    """Return the head of a file; raise ValueError where it would be longer than is allowed."""
    sums = " ".join([*checksums, "0" * _WIDTH])
    content: dict[str, Any] = {"__metadata__": {CHECKSUMS: sums} | metadata}
    for name, code, shape, begin, end in entries:
        content[name] = {"dtype": code, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > _LARGEST:
        limit = f"at most {_LARGEST / 1e6:.0f} MB, the limit of safetensors"
        remedy = "use shorter names or integers as indices, or several updaters"
        raise ValueError(wording("header of states", limit, "more", remedy))
    head = len(text).to_bytes(8, "little") + text
    at = 8 + len(_BEGIN) + len(sums) - _WIDTH
    return head[:at] + _own_checksum(head, at).encode() + head[at + _WIDTH :]


def length(head: bytes, size: int) -> int:
    """Return the length of the header of a file of `size` bytes that begins with `head`."""
    found = int.from_bytes(head[:8], "little")
    if not 0 < found <= min(size - 8, _LARGEST):
        raise ValueError(f"a header of {found} bytes in {size}")
    return found


def read(head: bytes, size: int) -> Header:
    """Return what the head of a file of `size` bytes says; raise an error where that is wrong."""
    sums = _checked_sums(head)
    content = parsed(head[8:])
    if not isinstance(content, dict) or not isinstance(content.get("__metadata__"), dict):
        raise ValueError("a header without metadata")
    metadata = content.pop("__metadata__")
    entries = sorted((_entry(name, fields) for name, fields in content.items()), key=_place)
    end = 0
    for entry in entries:
        if entry.begin != end:
            raise ValueError(f"elements of {entry.name[:80]!r} that do not follow the others'")
        end = entry.end
    if end != size - len(head):
        raise ValueError(f"{size - len(head)} bytes of elements, where the header says {end}")
    if sums is not None and len(sums) != len(entries):
        raise ValueError(f"{len(sums)} checksums of {len(entries)} tensors")
    return Header(metadata, entries, sums, len(head))


def _checked_sums(head: bytes) -> list[str] | None:
    """Return the checksums of the tensors, once that of the header is seen to be right."""
    start = 8 + len(_BEGIN)
    if head[8:start] != _BEGIN:
        return None
    end = head.find(b'"', start)
    at = end - _WIDTH
    if at < start or head[at:end].decode() != _own_checksum(head, at):
        raise ValueError("a header that does not have its checksum")
    return head[start:at].decode().split()


def _own_checksum(head: bytes, at: int) -> str:
    checksum = new_checksum(memoryview(head)[:at])
    checksum.update(b"0" * _WIDTH)
    checksum.update(memoryview(head)[at + _WIDTH :])
    return hexadecimal(checksum)


def _entry(name: str, fields: dict[str, Any]) -> Entry:
    code, shape, (begin, end) = fields["dtype"], fields["shape"], fields["data_offsets"]
    numbers = [*shape, begin, end]
    if code not in _DTYPES or len(shape) > _MOST_AXES:
        raise ValueError(
            f"a tensor {name[:80]!r} of the type {str(code)[:20]}, of {len(shape)} axes"
        )
    if any(type(number) is not int or not 0 <= number < 2**63 for number in numbers):
        raise ValueError(f"a tensor {name[:80]!r} of no shape, or of no place")
    itemsize = dtype_of(_DTYPES[code]).itemsize
    if math.prod(shape) * itemsize != end - begin:
        raise ValueError(f"a tensor {name[:80]!r} of another size than its place")
    return Entry(name, code, tuple(shape), begin, end)


def _place(entry: Entry) -> tuple[int, int]:
    return entry.begin, entry.end
