"""One step of a rule over the arrays of one or many tensors."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from itertools import chain, pairwise
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import pyopencl as cl

from ...errors import wording
from .arrays import in_order, record
from .checks import check
from .launches import Many, One

#: How many plans a thread keeps; a plan goes with the first of its arrays.
PLANS = 4096

_local = threading.local()
_events = attrgetter("events")
_described = attrgetter("base_data", "offset", "shape", "strides", "dtype", "queue")


class Plan:
    """What a thread keeps of a step for the next one over the same arrays.

    It refers to buffers but not to arrays, and is forgotten when one of the arrays is gone.
    """

    def __init__(self, rule: Any, tensors: list[tuple[Any, ...]]):
        self.rule = rule
        self.described = [_described(array) for tensor in tensors for array in tensor]
        together: dict[tuple[str, ...], list[int]] = {}
        for i, arrays in enumerate(tensors):
            if arrays[0].size:
                storages = tuple(array.dtype.name for array in arrays)
                together.setdefault(storages, []).append(i)
        self.launches: list[One | Many] = [
            (One if len(numbers) == 1 else Many)(
                rule, storages, numbers, [tensors[i] for i in numbers]
            )
            for storages, numbers in together.items()
        ]


class Bound(NamedTuple):
    """The checked arrays of one step, of one or many tensors."""

    plan: Plan
    arrays: list[Any]

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
        events = list(chain.from_iterable(map(_events, self.arrays))) or None
        queue = self.arrays[0].queue
        done = [
            event for launch in self.plan.launches for event in launch.run(constants, keys, events)
        ]
        if done and not in_order(queue):
            record(cl.enqueue_marker(queue, wait_for=done), queue, self.arrays)


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
    if plan is not None and plan.described == list(map(_described, arrays)):
        return Bound(plan, arrays)
    queue = getattr(items[0][0], "queue", None)
    for item in items:
        _check(rule, queue, *item)
    _check_apart([item[0] for item in items], "weights")
    plan = Plan(rule, tensors)
    while len(plans) >= PLANS:
        plans.pop(next(iter(plans)), None)
    # Once an array is gone, another one may get its id.
    plans[key] = plan, [weakref.ref(array, lambda _: plans.pop(key, None)) for array in arrays]
    return Bound(plan, arrays)


def _check(
    rule: Any, queue: Any, weight: Any, grad: Any, states: Sequence[Any], master: Any
) -> None:
    """Raise what is wrong with the arrays of one weight, if anything is."""
    check(weight, "weight")
    own = (weight.dtype.name,) if master is None else ("float32",)
    check(grad, "grad", weight.shape, dict.fromkeys((weight.dtype.name, *own)), written=False)
    named = {"weight": weight, "grad": grad}
    named |= {f"state {name!r}": state for name, state in zip(rule.states, states)}
    if master is not None:
        named["master copy of weight"] = master
    for name, array in list(named.items())[2:]:
        check(array, name, weight.shape, own)
    for name, array in named.items():
        _check_queue(array, name, queue)
    _check_apart(list(named.values()), "weight, grad and state")


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
