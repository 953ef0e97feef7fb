"""OpenCL C text that programs begin with: of a compute type, and of its random numbers."""

from __future__ import annotations

from functools import lru_cache

from .... import ctext
from ....dtypes import C_TYPES
from ..traits import Traits
from .templates import HEADER, RANDOM


def header(traits: Traits, dtype: str) -> str:
    """Return what every program begins with, for one compute type."""
    wide = dtype == "float64"
    return HEADER.format(
        extension="#pragma OPENCL EXTENSION cl_khr_fp64 : enable" if wide else "",
        real=C_TYPES[dtype].name,
        dtype=dtype,
        sqrt=traits.sqrt[wide],
        group=traits.group,
        halves=ctext.text("halves.h"),
        part=traits.part,
        restrict=traits.restrict,
    )


@lru_cache
def random_text(traits: Traits, dtype: str) -> str:
    """Return the generator of random numbers for one compute type."""
    wide = dtype == "float64"
    return RANDOM.format(
        high=traits.high_product,
        float64="#define FLOAT64" if wide else "",
        text=ctext.text("random.h"),
        per_block=4 if wide else 8,
        word="ulong" if wide else "uint",
        split="\n        ".join(_split(wide)),
    )


def _split(wide: bool) -> list[str]:
    """Return statements that store the four words of a block, the low half of each first."""
    if wide:
        return [f"to[{i}] = {word};" for i, word in enumerate("abcd")]
    return [
        f"to[{2 * i}] = (uint){word}, to[{2 * i + 1}] = (uint)({word} >> 32);"
        for i, word in enumerate("abcd")
    ]
