"""NumPy arrays, and whatever shares memory with them without a copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import threads
from ..errors import wording
from ..kernels import elementwise

#: Elements in a block of a rule that runs on NumPy: some 20 temporaries fit a level-2 cache.
BLOCK = 8192
#: Weight dtypes, and the type that their arithmetic uses.
COMPUTE = {np.dtype(np.float32): np.float32, np.dtype(np.float64): np.float64}


def accepts(array: Any) -> bool:
    """Whether `array` is in host memory that NumPy can share."""
    return isinstance(array, np.ndarray) or _shares_memory(array)


def view(array: Any, argument: str) -> np.ndarray:
    """Return `array` as a NumPy array over the same memory."""
    if isinstance(array, np.ndarray):
        return array
    if not _shares_memory(array):
        raise TypeError(wording(argument, "an array in host memory", type(array).__name__))
    try:
        if hasattr(array, "__dlpack__"):
            return np.from_dlpack(array)
        return np.asarray(memoryview(array))
    except (TypeError, ValueError, BufferError, RuntimeError) as error:
        got = f"{type(array).__name__}, which does not share its memory ({error})"
        raise TypeError(wording(argument, "an array in host memory", got)) from error


def check(array: Any, argument: str, like: np.ndarray | None = None, written: bool = True) -> Any:
    """Return a view of `array` that a kernel may use, or raise what is wrong with it.

    Parameters
    ----------
    array : array
        What the caller passed.
    argument : str
        Its name in messages.
    like : numpy.ndarray, optional
        The array whose shape and dtype it must have.
    written : bool
        Whether the kernel writes to it.
    """
    array = view(array, argument)
    if like is None and array.dtype not in COMPUTE:
        expected = " or ".join(str(dtype) for dtype in COMPUTE)
        raise TypeError(wording(f"dtype of {argument}", expected, str(array.dtype)))
    if like is not None and array.shape != like.shape:
        raise ValueError(wording(f"shape of {argument}", f"{like.shape}", f"{array.shape}"))
    if like is not None and array.dtype != like.dtype:
        raise TypeError(wording(f"dtype of {argument}", f"{like.dtype}", f"{array.dtype}"))
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise ValueError(
            wording(argument, "a C-contiguous array", "a strided one", "pass np.ascontiguousarray of it")
        )
    if written and not array.flags.writeable:
        raise ValueError(wording(argument, "a writable array", "a read-only one"))
    return array


def zeros_like(array: Any) -> np.ndarray:
    """Return zeros of the shape and dtype of `array`."""
    array = view(array, "weight")
    return np.zeros(array.shape, array.dtype)


def bind(weight: Any, grad: Any, states: Sequence[Any], names: Sequence[str]) -> list[np.ndarray]:
    """Check the arrays of one step; return them as flat views, weight and gradient first."""
    first = check(weight, "weight")
    arrays = [first, check(grad, "grad", first, written=False)]
    arrays += [check(state, f"state {name!r}", first) for state, name in zip(states, names)]
    for i, array in enumerate(arrays):
        for other in arrays[i + 1 :]:
            if np.may_share_memory(array, other):
                raise ValueError(
                    wording("weight, grad and state", "arrays apart", "two that overlap in memory")
                )
    return [array.reshape(-1) for array in arrays]


def step(rule: Any, arrays: list[np.ndarray], numbers: dict[str, Any], constants: Any) -> None:
    """Run `rule` over bound `arrays`, in place.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    arrays : list of numpy.ndarray
        What `bind` returned.
    numbers : dict of str to number
        The rule's keyword arguments.
    constants : numpy.ndarray
        What ``rule.constants(numbers)`` returned.
    """
    kernel = rule.compiled.kernel
    if kernel is not None:
        weight, grad, *states = arrays
        elementwise.step(kernel, weight, grad, states, constants, threads.get_num_threads())
    else:
        step_in_blocks(rule, arrays, numbers)


def step_in_blocks(rule: Any, arrays: list[np.ndarray], numbers: dict[str, Any]) -> None:
    """Run `rule` as NumPy, over blocks that stay in cache; the same bits as when compiled."""
    written = [arrays[0], *arrays[2:]]
    with np.errstate(all="ignore"):
        for start in range(0, arrays[0].size, BLOCK):
            part = slice(start, start + BLOCK)
            results = rule(*(array[part] for array in arrays), **numbers)
            for array, result in zip(written, results if len(written) > 1 else [results]):
                array[part] = result


def _shares_memory(array: Any) -> bool:
    if hasattr(array, "__dlpack__") and hasattr(array, "__dlpack_device__"):
        return array.__dlpack_device__()[0] == 1  # kDLCPU
    try:
        memoryview(array)
    except TypeError:
        return False
    return True
