"""One step of a rule over the arrays of one or many tensors."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pyopencl as cl

from ...errors import wording
from ...kernels.constants import Constants  # type: ignore[import-not-found]
from ...kernels.objects import Objects, flat  # type: ignore[import-not-found]
from ..states import MASTERS, ROUNDED, check_state_dtype, dtypes_of, parts_of, remedy_for
from .arrays import in_order, is_half, record
from .checks import check
from .launches import Many, One
from .measure import Measure, sums_of
from .templates import ROUNDED_BFLOAT16


class Plan:
    """What is kept of a step for the next one over the same arrays, in the same thread.

    It refers to buffers but not to arrays, and is useless once one of the arrays is gone.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    kept : int
        How states are: `MASTERS` where that of a 16-bit weight ends with a float32 master copy,
        plus `ROUNDED` where the rule's own are bfloat16, rounded stochastically.
    given : tuple of list
        Weights, gradients and states, checked.
    tensors : list of tuple of pyopencl.array.Array
        For each weight what the rule takes without noise: the weight or its master copy, the
        gradient, the states; and after a master copy the weight itself, last.
    """

    def __init__(self, rule: Any, kept: int, given: Any, tensors: list[tuple[Any, ...]]):
        self.rule, self.kept = rule, kept
        self.thread = threading.get_ident()
        self.queue = tensors[0][0].queue
        self.events = [event for tensor in tensors for array in tensor for event in array.events]
        self.arrays: list[Any] = flat(*given)
        self.seen: Objects | None = Objects(*given, "base_data", "events")
        plan = weakref.ref(self)
        self.alive = [weakref.ref(array, lambda _: _forget(plan)) for array in self.arrays]
        together: dict[tuple[str, ...], list[int]] = {}
        for i, arrays in enumerate(tensors):
            if arrays[0].size:
                storages = _storages(rule, kept, arrays)
                together.setdefault(storages, []).append(i)
        self.launches: list[One | Many] = [
            (One if len(numbers) == 1 else Many)(
                rule, storages, numbers, [tensors[i] for i in numbers]
            )
            for storages, numbers in together.items()
        ]
        self.measures = [
            Measure(rule, storages, numbers, [tensors[i] for i in numbers])
            for storages, numbers in together.items()
            if rule.lowered.norms
        ]

    def again(
        self,
        rule: Any,
        weights: Sequence[Any],
        grads: Sequence[Any],
        states: Sequence[Any],
        kept: int,
        constants: Constants,
        keys: list[Any],
        indices: Sequence[Any],
        numbers: Any,
        turn: Any,
    ) -> bool:
        """Count and compute the same step once more, if these are the same arrays.

        Parameters
        ----------
        rule, weights, grads, states, kept : object
            As for `bind`.
        constants, keys, indices, numbers, turn : object
            As for `run`.

        Returns
        -------
        bool
            False where something is new; then nothing has changed.
        """
        seen = self.seen
        if seen is None or rule is not self.rule or kept != self.kept:
            return False
        if self.thread != threading.get_ident():
            return False
        events = seen.again(weights, grads, states)
        if events is None:
            return False
        self.arrays = [] if in_order(self.queue) else flat(weights, grads, states)
        self.events = events
        return self.run(constants, keys, indices, numbers, turn)

    def run(
        self,
        constants: Constants,
        keys: list[Any],
        indices: Sequence[Any],
        numbers: Any,
        turn: Any,
    ) -> bool:
        """Count the update and compute the new weights and states; return once it is enqueued.

        A rule with norms is measured first, and that waits for the device.

        Parameters
        ----------
        constants : weightopt_core.kernels.constants.Constants
            The rule's numbers for each tensor.
        keys : list of tuple of int
            The stream of each tensor's noise, or rounding; empty where there is none.
        indices : sequence of index
            What identifies each tensor.
        numbers : callable
            Returns the rule's keyword arguments, given the rule, an index and the turn; called
            for rules with norms.
        turn : weightopt_core.kernels.calls.Turn
            What counts the update.
        """
        arrays, events = self.arrays, self.events or None
        self.arrays = self.events = []
        if self.measures:
            sums, scales = sums_of(self.measures, self.rule, constants.array(), events)
            known = [numbers(self.rule, index, turn) for index in indices]
            constants = self.rule.with_norms(constants, known, sums, scales)
        values = constants.array()
        turn.commit()
        try:
            done = [event for launch in self.launches for event in launch.run(values, keys, events)]
        except Exception:
            self.seen = None
            turn.uncommit()
            raise
        if done and not in_order(self.queue):
            record(cl.enqueue_marker(self.queue, wait_for=done), self.queue, arrays)
        return True


def _storages(rule: Any, kept: int, arrays: Sequence[Any]) -> tuple[str, ...]:
    """Return how each array of a tensor is stored, in the words of the templates."""
    names = [array.dtype.name for array in arrays]
    if kept & ROUNDED:
        names[2 : 2 + len(rule.states)] = [ROUNDED_BFLOAT16] * len(rule.states)
    return tuple(names)


def _forget(plan: Any) -> None:
    """Let go of the buffers: another array may now be where one was."""
    if plan() is not None:
        plan().seen = None
        plan().launches = plan().measures = []


def bind(
    rule: Any,
    weights: Sequence[Any],
    grads: Sequence[Any],
    states: Sequence[Any],
    kept: int,
    before: Any = None,
) -> Plan:
    """Check the arrays of one step.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    weights, grads, states : list or tuple
        As in a call of `update`, of equal length.
    kept : int
        How states are: `MASTERS` where that of a 16-bit weight ends with a float32 master copy,
        plus `ROUNDED` where the rule's own are bfloat16, rounded stochastically.
    before : object, optional
        What `bind` returned for an earlier step of these weights.

    Raises
    ------
    TypeError, ValueError
        An array is not as it has to be; the message names it.
    RuntimeError
        The device's compiler refuses the rule.
    """
    tensors = []
    written = []
    queue = getattr(weights[0], "queue", None)
    for weight, grad, state in zip(weights, grads, states):
        check(weight, "weight")
        parts, master = parts_of(rule, state, kept & MASTERS and is_half(weight))
        _check(rule, queue, weight, grad, parts, master, kept)
        arrays = (weight, grad, *parts) if master is None else (master, grad, *parts, weight)
        tensors.append(arrays)
        written += [arrays[0], *arrays[2:]]
    _check_apart(written, "weights and states")
    return Plan(rule, kept, (weights, grads, states), tensors)


def _check(
    rule: Any,
    queue: Any,
    weight: Any,
    grad: Any,
    states: Sequence[Any],
    master: Any,
    kept: int,
) -> None:
    """Raise what is wrong with the arrays of one weight, if anything is."""
    if kept & ROUNDED:
        check_state_dtype(weight.dtype.name)
    of_grad, of_state = dtypes_of(weight.dtype.name, master is not None, kept)
    check(grad, "grad", weight.shape, of_grad, written=False)
    named = {"weight": weight, "grad": grad}
    named |= {f"state {name!r}": state for name, state in zip(rule.states, states)}
    for name, array in list(named.items())[2:]:
        check(array, name, weight.shape, (of_state,), remedy=remedy_for(kept))
    if master is not None:
        named["master copy of weight"] = master
        check(master, "master copy of weight", weight.shape, ("float32",))
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
