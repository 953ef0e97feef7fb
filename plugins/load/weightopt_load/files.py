"""Read arrays by name from ``.npz``, ``.safetensors`` and MXNet's ``.params`` files."""

from __future__ import annotations

import io
import math
import os
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from weightopt_core.errors import wording

from . import params

#: Deflate makes nothing smaller than by this factor.
_DEFLATE_LIMIT = 1032
_SAFETENSORS = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2", "BOOL": "?"}
_SAFETENSORS |= {f"I{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)}
_SAFETENSORS |= {f"U{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)}


def read(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Return the arrays of a file by name. Nothing in it is ever run or unpickled.

    Parameters
    ----------
    path : str or path
        A file whose ending tells its format: ``.npz``, ``.safetensors`` or ``.params``.

    Raises
    ------
    ValueError
        The ending is another one, or the content is not what it tells; the message names the file.
    OSError
        The file cannot be read.
    """
    path = Path(path)
    readers = {".npz": _npz, ".safetensors": _safetensors, ".params": _params}
    if path.suffix not in readers:
        expected = f"a file called {' or '.join(f'*{ending}' for ending in readers)}"
        raise ValueError(wording("param", expected, str(path)))
    with path.open("rb") as stream:
        try:
            return readers[path.suffix](stream)
        except ImportError:
            raise
        except Exception as error:  # a damaged file fails in zipfile, zlib and ast in many ways
            got = str(error) if isinstance(error, ValueError) else repr(error)
            raise ValueError(f"{path} cannot be read: {got}") from error


def _params(stream: BinaryIO) -> dict[str, np.ndarray]:
    arrays = params.read(stream)
    if isinstance(arrays, list):
        raise ValueError(wording("arrays", "names", "none; save a dict with mx.nd.save"))
    return arrays


def _npz(stream: BinaryIO) -> dict[str, np.ndarray]:
    length = stream.seek(0, os.SEEK_END)
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        if sum(member.compress_size for member in members) > length:
            raise ValueError("its members are longer than the file")
        return {member.filename.removesuffix(".npy"): _npy(archive, member) for member in members}


def _npy(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    factors = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: _DEFLATE_LIMIT}
    if member.file_size > factors.get(member.compress_type, 0) * member.compress_size:
        raise ValueError(f"{member.filename}: a size that its compressed size does not allow")
    content = archive.read(member)
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version > (2, 0):
        raise ValueError(f"{member.filename}: expected plain numbers, got records")
    header = {(1, 0): np.lib.format.read_array_header_1_0}
    shape, fortran, dtype = header.get(version, np.lib.format.read_array_header_2_0)(stream)
    if dtype.kind not in "biuf":
        raise ValueError(f"{member.filename}: expected real numbers, got {dtype}")
    expected = math.prod(shape) * dtype.itemsize
    if expected != len(content) - stream.tell():
        raise ValueError(f"{member.filename}: expected {expected} bytes for shape {shape}")
    array = np.frombuffer(content, dtype, offset=stream.tell())
    return array.reshape(shape, order="F" if fortran else "C")


def _safetensors(stream: BinaryIO) -> dict[str, np.ndarray]:
    try:
        import safetensors
    except ImportError as error:
        text = 'reading .safetensors needs safetensors; pip install "weightopt-core[checkpoint]"'
        raise ImportError(text) from error
    return {name: _tensor(**entry) for name, entry in safetensors.deserialize(stream.read())}


def _tensor(dtype: str, shape: list[int], data: Any) -> np.ndarray:
    if dtype not in _SAFETENSORS:
        raise ValueError(f"expected {', '.join(_SAFETENSORS)}, got {dtype}")
    array = np.frombuffer(data, _SAFETENSORS[dtype]).reshape(shape)
    return params.from_bfloat16(array) if dtype == "BF16" else array
