"""The arrays of a step that whole arrays of NumPy compute: checked, and stored at once."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from operator import methodcaller, setitem
from typing import Any, NamedTuple

import numpy as np

from ..backends import cpu
from ..backends.interface import PLAIN
from ..backends.states import dtypes_of, parts_of
from ..dtypes import compute_of
from ..errors import wording

_call = methodcaller("__call__")
Shape = tuple[int, ...]


class Named(NamedTuple):
    """The names of the states of one weight, for messages."""

    states: Sequence[str]


class HostArrays(NamedTuple):
    """The checked arrays of one weight: plain NumPy arrays over the memory of what was given.

    Attributes
    ----------
    weight, grad : numpy.ndarray
        As they are stored.
    states : list of numpy.ndarray
        In the dtype that is computed in.
    master : numpy.ndarray or None
        The float32 copy of a 16-bit weight.
    """

    weight: np.ndarray
    grad: np.ndarray
    states: list[np.ndarray]
    master: np.ndarray | None

    def to_compute(self) -> list[np.ndarray]:
        """Return weight, gradient and states in the dtype that is computed in, read-only."""
        dtype = compute_of(self.weight.dtype.name)
        first = self.weight if self.master is None else self.master
        arrays = [one.astype(dtype, copy=False).view() for one in (first, self.grad, *self.states)]
        for array in arrays:
            array.flags.writeable = False
        return arrays

    def stores(self, results: Any, name: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return each array that is written to with its new values, in its dtype.

        Raises
        ------
        ValueError
            The results are not as many, or not of the shapes of the arrays.
        """
        new = list(results) if isinstance(results, (tuple, list)) else [results]
        master = [] if self.master is None else [self.master]
        targets = [*(master or [self.weight]), *self.states]
        shapes, found = [one.shape for one in targets], [np.shape(one) for one in new]
        if shapes != found:
            remedy = "return the new weight, and then the new states"
            argument = f"results of {name}"
            raise ValueError(wording(argument, f"shapes {shapes}", f"{found}", remedy))
        if master:
            targets, new = [*targets, self.weight], [*new, new[0]]
        with np.errstate(all="ignore"):
            return [(one, np.asarray(values, one.dtype)) for one, values in zip(targets, new)]


def checked(
    weight: Any, grad: Any, state: Any, shapes: Mapping[str, Shape], has_master: bool
) -> HostArrays:
    """Return the arrays of one weight, or raise what is wrong with them.

    Parameters
    ----------
    weight, grad, state : object
        As for `Optimizer.update`, of one weight.
    shapes : dict of str to tuple of int
        The shape of each state by its name.
    has_master : bool
        Whether a 16-bit weight has a master copy, last in its state.
    """
    weight = cpu.check(weight, "weight")
    master = has_master and cpu.is_half(weight)
    of_grad, _ = dtypes_of(weight.dtype.name, master, PLAIN)
    grad = cpu.check(grad, "grad", weight.shape, of_grad, written=False)
    parts, copy = parts_of(Named(tuple(shapes)), state, master)
    dtype = (compute_of(weight.dtype.name).name,)
    states = [
        cpu.check(part, f"state {name!r}", shape, dtype)
        for part, (name, shape) in zip(parts, shapes.items())
    ]
    if copy is not None:
        copy = cpu.check(copy, "master copy of weight", weight.shape, ("float32",))
    return HostArrays(weight, grad, states, copy)


def check_apart(tensors: Sequence[HostArrays]) -> None:
    """Raise ValueError where what is written to shares memory with another array of the step."""
    written = sorted(
        cpu.extent_of(array)[1:]
        for one in tensors
        for array in (one.weight, *one.states, one.master)
        if array is not None and array.size
    )
    if any(end > begin for (_, end), (begin, _) in pairwise(written)):
        remedy = "copy one of them"
        raise ValueError(wording("weights and states", "arrays apart", "an overlap", remedy))
    begins = [begin for begin, _ in written]
    for one in tensors:
        _, begin, end = cpu.extent_of(one.grad)
        before = bisect_left(begins, end) - 1
        if begin < end and before >= 0 and written[before][1] > begin:
            expected = "memory apart from every weight and state of the call"
            raise ValueError(wording("grad", expected, "an overlap", "copy the gradient"))


def count_and_store(
    count: Callable[[], Any], stores: Iterable[tuple[np.ndarray, np.ndarray]]
) -> None:
    """Count an update and store its results; where counting raises, nothing is stored.

    No bytecode of Python runs in between, at which a signal's handler could come.
    """
    calls = [count, *(partial(setitem, target, ..., values) for target, values in stores)]
    deque(map(_call, calls), maxlen=0)
