"""OpenCL C text by which a kernel for many tensors finds the buffers of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .templates import SLOT_OF_ADDRESS, SLOT_OF_TREE


def tensor_texts(casts: Sequence[str], slots: int) -> dict[str, Any]:
    """Return what templates of kernels for many tensors share, by the names there.

    Parameters
    ----------
    casts : sequence of str
        To the type of each array.
    slots : int
        How many buffers the kernel takes; 0 where it knows them by address.
    """
    count = len(casts)
    buffers = "".join(f", b{i}" for i in range(slots))
    parameters = buffer_parameters(slots)
    slot = SLOT_OF_ADDRESS
    if slots:
        slot = SLOT_OF_TREE.format(buffers=buffers, parameters=parameters, tree=_tree(0, slots))
    return {
        "parameters": parameters,
        "slot": slot,
        "width": 2 * count + 1,
        "last": 2 * count,
        "chosen": ", ".join(
            f"{cast}(slot(row[{i}]) + row[{count + i}])" for i, cast in enumerate(casts)
        ),
    }


def buffer_parameters(slots: int) -> str:
    """Return so many buffers as further parameters of a function, ``b0`` and on."""
    return "".join(f", __global uchar *b{i}" for i in range(slots))


def _tree(low: int, high: int) -> str:
    """Return the choice of one of the buffers `low` to `high` by comparisons."""
    if high - low == 1:
        return f"b{low}"
    middle = (low + high) // 2
    return f"(at < {middle} ? {_tree(low, middle)} : {_tree(middle, high)})"
