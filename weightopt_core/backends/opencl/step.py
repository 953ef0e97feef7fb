"""One step of a rule over the arrays of one or many tensors."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import pyopencl as cl

from ...errors import wording
from .arrays import check
from .launches import Many, One

#: How many plans a thread keeps; a plan goes with the first of its arrays.
PLANS = 4096

_local = threading.local()
_described = attrgetter("base_data", "offset", "shape", "strides", "dtype", "queue")


class Tensor(NamedTuple):
    """The arrays of one weight, checked.

    Attributes
    ----------
    arrays : tuple of pyopencl.array.Array
        What the rule takes without noise: the weight or its master copy, the gradient, the
        states; and after a master copy the weight itself, last.
    storages : tuple of str
        The dtype of each.
    """

    arrays: tuple[Any, ...]
    storages: tuple[str, ...]


class Bound:
    """The checked arrays of one step, of one or many tensors."""

    def __init__(self, rule: Any, tensors: list[Tensor]):
        self.described = [_described(array) for tensor in tensors for array in tensor.arrays]
        together: dict[tuple[str, ...], list[int]] = {}
        for i, tensor in enumerate(tensors):
            if tensor.arrays[0].size:
                together.setdefault(tensor.storages, []).append(i)
        self.launches: list[One | Many] = [
            (One if len(numbers) == 1 else Many)(
                rule, storages, numbers, [tensors[i].arrays for i in numbers]
            )
            for storages, numbers in together.items()
        ]

    def run(self, numbers: list[dict[str, Any]], constants: np.ndarray, keys: list[Any]) -> None:
        """Compute the new weights and states, in place; return once that is enqueued.

        Parameters
        ----------
        numbers : list of dict
            The rule's keyword arguments for each tensor.
        constants : numpy.ndarray
            float64, for each tensor a row: what ``rule.constants`` made of its numbers.
        keys : list of tuple of int
            The stream of each tensor's noise; empty for rules without.
        """
        for launch in self.launches:
            launch.run(constants, keys)


def bind(rule: Any, items: Sequence[tuple[Any, Any, Sequence[Any], Any]]) -> Bound:
    """Check the arrays of one step.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    items : sequence of tuple
        For each weight: the weight, its gradient, its states, and its master copy or None.

    Raises
    ------
    TypeError, ValueError
        An array is not as it has to be; the message names it.
    RuntimeError
        The device's compiler refuses the rule.
    """
    tensors = [
        (weight, grad, *states) if master is None else (master, grad, *states, weight)
        for weight, grad, states, master in items
    ]
    arrays = [array for tensor in tensors for array in tensor]
    plans = vars(_local).setdefault("plans", {})
    key = (id(rule), len(tensors), *map(id, arrays))
    plan, _ = plans.get(key, (None, None))
    try:
        if plan is not None and plan.described == list(map(_described, arrays)):
            return plan
    except AttributeError:
        pass
    queue = getattr(items[0][0], "queue", None)
    checked = [_checked(rule, queue, *item) for item in items]
    _check_apart([item[0] for item in items], "weights")
    plan = Bound(rule, checked)
    while len(plans) >= PLANS:
        plans.pop(next(iter(plans)), None)
    # An id is that of another array as soon as the array is gone; the rule lives in the plan.
    plans[key] = plan, [rule, [weakref.ref(a, lambda _: plans.pop(key, None)) for a in arrays]]
    return plan


def _checked(
    rule: Any, queue: Any, weight: Any, grad: Any, states: Sequence[Any], master: Any
) -> Tensor:
    """Return the arrays of one weight, or raise what is wrong with them."""
    check(weight, "weight")
    own = (weight.dtype.name,) if master is None else ("float32",)
    check(grad, "grad", weight.shape, dict.fromkeys((weight.dtype.name, *own)), written=False)
    for name, state in zip(rule.states, states):
        check(state, f"state {name!r}", weight.shape, own)
    named = {"weight": weight, "grad": grad}
    named |= {f"state {name!r}": state for name, state in zip(rule.states, states)}
    arrays = (weight, grad, *states)
    if master is not None:
        check(master, "master copy of weight", weight.shape, own)
        named["master copy of weight"] = master
        arrays = (master, grad, *states, weight)
    for name, array in named.items():
        _check_queue(array, name, queue)
    _check_apart(arrays, "weight, grad and state")
    return Tensor(arrays, tuple(array.dtype.name for array in arrays))


def _check_queue(array: Any, name: str, queue: cl.CommandQueue) -> None:
    if array.queue == queue:
        return
    if array.queue.context != queue.context:
        expected, remedy = "that of the first weight", "copy the array to it"
        raise ValueError(wording(f"context of {name}", expected, "another", remedy))
    expected, remedy = "that of the first weight", "pass array.with_queue(weight.queue)"
    raise ValueError(wording(f"queue of {name}", expected, "another", remedy))


def _check_apart(arrays: Sequence[Any], argument: str) -> None:
    ranges: dict[int, list[tuple[int, int]]] = {}
    for array in arrays:
        if array.size:
            span = array.offset, array.offset + array.nbytes
            ranges.setdefault(array.base_data.int_ptr, []).append(span)
    for spans in ranges.values():
        spans.sort()
        if any(end > begin for (_, end), (begin, _) in pairwise(spans)):
            remedy = "copy one of them"
            raise ValueError(wording(argument, "arrays apart", "an overlap in memory", remedy))
