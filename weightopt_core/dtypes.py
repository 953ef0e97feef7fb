"""Storage types: the one table of what the elements of weights, gradients and states may be.

>>> import numpy as np
>>> storage_of(np.dtype(np.float16)), compute_of("float16")
('float16', dtype('float32'))
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Storage(NamedTuple):
    """What holds of one storage type.

    Attributes
    ----------
    compute : numpy.dtype
        What rules compute its elements in.
    itemsize : int
        Bytes of an element.
    code : str
        Its name in the safetensors format.
    exponent : int
        The bits of an element that are all set in infinities and NaN, and in no other number.
    """

    compute: np.dtype[Any]
    itemsize: int
    code: str
    exponent: int


_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)

#: By name. The names of bfloat16 and of NumPy's own types are those of their dtypes.
STORAGE: dict[str, Storage] = {
    "float16": Storage(_FLOAT32, 2, "F16", 0x7C00),
    "bfloat16": Storage(_FLOAT32, 2, "BF16", 0x7F80),
    "float32": Storage(_FLOAT32, 4, "F32", 0x7F800000),
    "float64": Storage(_FLOAT64, 8, "F64", 0x7FF << 52),
}

#: Those of 16 bits: they are computed as float32.
HALVES = tuple(name for name, storage in STORAGE.items() if storage.itemsize == 2)


class CType(NamedTuple):
    """How C spells a type that rules compute in: its name, and how functions of it end."""

    name: str
    suffix: str


#: By compute type.
C_TYPES = {"float32": CType("float", "f"), "float64": CType("double", "")}

_narrow = [name for name, storage in STORAGE.items() if storage.compute == _FLOAT32]
#: Those computed in float32, in words.
NARROW = f"{', '.join(_narrow[:-1])} or {_narrow[-1]}"

#: What the elements of a state in 8 bits are stored in; they are no numbers by themselves.
QUANTIZED = "uint8"

#: By type number: a class can take any name, and a dtype of raw bytes has that of its class.
_OWN = {np.dtype(name).num: name for name in STORAGE if name != "bfloat16"}
_QUANTIZED = np.dtype(QUANTIZED).num
#: Type numbers from here on are those of types that packages have registered.
_REGISTERED = 256


def storage_of(dtype: np.dtype[Any]) -> str | None:
    """Return the name of a storage type; None for another type or byte order.

    The type number decides. A type that a package has registered is bfloat16 if it has that name
    and two bytes, whoever registered it.
    """
    if not dtype.isnative:
        return None
    if dtype.num < _REGISTERED:
        return _OWN.get(dtype.num)
    return "bfloat16" if dtype.itemsize == 2 and dtype.name == "bfloat16" else None


def name_of(dtype: np.dtype[Any]) -> str | None:
    """Return the name of what a weight or a state is stored in; None for another type."""
    return QUANTIZED if dtype.num == _QUANTIZED else storage_of(dtype)


def is_half(dtype: np.dtype[Any]) -> bool:
    """Whether elements are stored in 16 bits and computed in more."""
    name = storage_of(dtype)
    return name is not None and STORAGE[name].itemsize == 2


def is_real(dtype: np.dtype[Any]) -> bool:
    """Whether elements are real numbers; registered float types are of no kind of NumPy's."""
    return dtype.kind in "iuf" or (dtype.num >= _REGISTERED and "float" in dtype.name)


def compute_of(name: str | None) -> np.dtype[Any]:
    """Return the compute type of a storage type, and float32 for what is none."""
    return STORAGE[name].compute if name in STORAGE else _FLOAT32


def dtype_of(name: str) -> np.dtype[Any]:
    """Return the dtype of a storage type.

    Raises
    ------
    ImportError
        It is bfloat16, and ml_dtypes is not installed.
    """
    if name != "bfloat16":
        return np.dtype(name)
    try:
        import ml_dtypes
    except ImportError as error:
        raise ImportError('bfloat16 needs ml_dtypes; pip install "weightopt-core[bf16]"') from error
    return np.dtype(ml_dtypes.bfloat16)
