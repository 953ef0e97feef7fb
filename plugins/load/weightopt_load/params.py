"""Read the files that MXNet's ``mx.nd.save`` writes: arrays, with or without names.

All numbers are little-endian. A file is::

    uint64  0x112
    uint64  reserved
    uint64  number of arrays, then that many of
        uint32  0xF993FAC8 (version 1), 0xF993FAC9 (2, with storage types), 0xF993FACA (3, where
                scalars and dimensions of 0 exist), or the number of dimensions (the first version)
        int32   storage type, in versions 2 and 3; 0 is dense
        int32   number of dimensions, from version 1 on
        int64   each dimension; uint32 in the first version
        int32   device type
        int32   device number
        int32   element type, an index into DTYPES
        the elements, in C order
    uint64  number of names: that of arrays, or 0; then that many of
        uint64  length
        the name, in UTF-8

An array without a shape ends behind its dimensions. It is refused here, as are sparse arrays.
"""

from __future__ import annotations

import math
import os
import struct
from typing import BinaryIO

import numpy as np

from weightopt_core.errors import wording

MAGIC = 0x112
VERSIONS = {0xF993FAC8: 1, 0xF993FAC9: 2, 0xF993FACA: 3}
#: Elements by their number in the file. Booleans are bytes; bfloat16 is the upper half of float32.
DTYPES = ("<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8", "u1", "<i2", "<u2", "<u4", "<u8", "<u2")
_BOOL, _BFLOAT16 = 7, 12
#: NumPy before 2.0 has no more, nor has anybody's weight.
MAX_DIMENSIONS = 32


def read(stream: BinaryIO) -> dict[str, np.ndarray] | list[np.ndarray]:
    """Return the arrays of a ``.params`` file: by name, or a list where they have none.

    Every size is held against what is left of the file before anything is read.

    Parameters
    ----------
    stream : binary file
        Open for reading, and seekable.

    Returns
    -------
    dict of str to numpy.ndarray, or list of numpy.ndarray
        bfloat16 comes as float32, in which it is exact. Of two arrays with one name, the later.

    Raises
    ------
    ValueError
        The content is not that of a ``.params`` file, or holds an array that is not dense.
    """
    source = _Source(stream)
    if source.number("Q", "magic number") != MAGIC:
        raise ValueError("expected a file of MXNet's mx.nd.save, got another magic number")
    source.number("Q", "reserved word")
    arrays = [_array(source, i) for i in range(source.number("Q", "number of arrays"))]
    named = source.number("Q", "number of names")
    if named not in (0, len(arrays)):
        raise ValueError(wording("number of names", f"0 or {len(arrays)}", str(named)))
    names = [_name(source) for _ in range(named)]
    if source.left:
        raise ValueError(wording("end of the names", "the end of the file", f"{source.left} bytes"))
    return dict(zip(names, arrays)) if named else arrays


class _Source:
    """A file, and how much of it is left."""

    def __init__(self, stream: BinaryIO):
        self.left = stream.seek(0, os.SEEK_END)
        self.stream = stream
        stream.seek(0)

    def take(self, count: int, what: str) -> bytes:
        """Return the next bytes."""
        if count > self.left:
            raise ValueError(wording(what, f"{count} bytes", f"{self.left}, then the end of file"))
        self.left -= count
        content = self.stream.read(count)
        if len(content) != count:
            raise ValueError(wording(what, f"{count} bytes", f"{len(content)}: the file shrank"))
        return content

    def number(self, code: str, what: str) -> int:
        """Return the next number, whose type `struct` calls `code`."""
        return self.numbers(code, 1, what)[0]

    def numbers(self, code: str, count: int, what: str) -> tuple[int, ...]:
        """Return the next numbers."""
        form = f"<{count}{code}"
        return struct.unpack(form, self.take(struct.calcsize(form), what))


def _array(source: _Source, index: int) -> np.ndarray:
    what = f"array {index}"
    magic = source.number("I", what)
    version = VERSIONS.get(magic, 0)
    if version >= 2:
        storage = source.number("i", f"storage type of {what}")
        if storage != 0:
            raise ValueError(wording(f"storage type of {what}", "0, dense", str(storage)))
    shape = _shape(source, version, magic, f"shape of {what}")
    source.numbers("i", 2, f"device of {what}")
    code = source.number("i", f"element type of {what}")
    if not 0 <= code < len(DTYPES):
        expected = f"a number below {len(DTYPES)}"
        raise ValueError(wording(f"element type of {what}", expected, str(code)))
    dtype = np.dtype(DTYPES[code])
    content = source.take(math.prod(shape) * dtype.itemsize, f"elements of {what}, shape {shape}")
    array = np.frombuffer(content, dtype).reshape(shape)
    if code == _BOOL:
        return array != 0
    return from_bfloat16(array) if code == _BFLOAT16 else array


def _shape(source: _Source, version: int, magic: int, what: str) -> tuple[int, ...]:
    ndim = source.number("i", what) if version else magic
    if not 0 <= ndim <= MAX_DIMENSIONS:
        raise ValueError(wording(what, f"0 to {MAX_DIMENSIONS} dimensions", str(ndim)))
    shape = source.numbers("q" if version else "I", ndim, what)
    least = 0 if version == 3 else 1
    if min(shape, default=least) < least or (ndim == 0 and version < 3):
        raise ValueError(wording(what, f"dimensions of at least {least}", str(shape)))
    return shape


def _name(source: _Source) -> str:
    length = source.number("Q", "length of a name")
    content = source.take(length, "name")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(wording("name", "UTF-8", repr(content))) from error


def from_bfloat16(bits: np.ndarray) -> np.ndarray:
    """Return the float32 numbers that are equal to bfloat16 ones, given as uint16."""
    return (bits.astype(np.uint32) << 16).view(np.float32)
