"""Contents written to a stream, one tensor after another, with little memory of its own."""

from __future__ import annotations

import io
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from . import header
from .contents import Contents

#: Bytes that are copied, hashed and written at once: they stay in the processor's cache.
_PIECE = 1 << 21
#: How many of them may wait to be hashed.
_PIECES = 4
#: Up to here another thread takes longer to be asked than to hash a tensor, or to start.
_SMALL, _LITTLE = 1 << 16, 1 << 21
_NO_CHECKSUM = "0" * 32


def write(contents: Contents, file: Any) -> None:
    """Write to an unbuffered file, or to memory.

    The checksums stand in front of the tensors and are known after them: the header is written
    twice.
    """
    entries = contents.entries
    place = header.written(entries, contents.metadata, [_NO_CHECKSUM] * len(entries))
    _all_of(memoryview(place), file)
    checksums = _stream(contents, file)
    file.seek(0)
    _all_of(memoryview(header.written(entries, contents.metadata, checksums)), file)


def as_bytes(contents: Contents) -> bytes:
    """Return what `write` writes."""
    file = io.BytesIO()
    size = contents.entries[-1].end if contents.entries else 0
    # Room for all of it is made at once. What a BytesIO returns is its own memory.
    place = [_NO_CHECKSUM] * len(contents.entries)
    size += len(header.written(contents.entries, contents.metadata, place))
    file.seek(size - 1)
    file.write(b"\0")
    file.seek(0)
    write(contents, file)
    return file.getvalue()


def _stream(contents: Contents, file: Any) -> list[str]:
    """Write all tensors, and return their checksums.

    Each piece is copied first, so that what is hashed is what is written even where another thread
    changes an array. Another thread hashes it meanwhile.
    """
    sizes = [entry.end - entry.begin for entry in contents.entries]
    largest, is_little = max(sizes, default=0), sum(sizes) <= _LITTLE
    buffers = [np.empty(min(_PIECE, largest), np.uint8) for _ in range(_PIECES)]
    in_use: list[Future[None] | None] = [None] * _PIECES
    checksums = []
    turn = 0
    with ThreadPoolExecutor(1) as pool:
        for data in contents.arrays():
            checksum = header.new_checksum()
            checksums.append(checksum)
            for begin in range(0, len(data), _PIECE):
                turn = (turn + 1) % _PIECES
                _wait_for(in_use[turn : turn + 1])
                piece = buffers[turn][: min(_PIECE, len(data) - begin)]
                piece[:] = data[begin : begin + _PIECE]
                inline = is_little or len(data) <= _SMALL
                in_use[turn] = None if inline else _submitted(pool, checksum, piece)
                if in_use[turn] is None:
                    _wait_for(in_use)  # for earlier pieces of the same tensor
                    checksum.update(piece.data)
                _all_of(piece.data, file)
    return [header.hexadecimal(checksum) for checksum in checksums]


def _submitted(pool: ThreadPoolExecutor, checksum: Any, piece: np.ndarray) -> Future[None] | None:
    """Let another thread hash a piece; None where there can be none, as when Python ends."""
    try:
        return pool.submit(checksum.update, piece)
    except RuntimeError:
        return None


def _wait_for(in_use: list[Future[None] | None]) -> None:
    for used in in_use:
        if used is not None:
            used.result()


def _all_of(data: memoryview, file: Any) -> None:
    """Write all bytes: a file may take a part of them."""
    while data:
        data = data[file.write(data) :]
