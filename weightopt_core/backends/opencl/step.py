"""One step of a rule over the arrays of one or many tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyopencl as cl

from ...errors import wording
from ..interface import StateForm
from ..states import check_state, check_state_dtype, dtypes_of, parts_of
from .arrays import is_half
from .checks import check, check_kernel
from .device_step import DeviceStep
from .recognise import seen_of
from .regions import check_apart, use_of


def bind(
    rule: Any,
    weights: tuple[Any, ...],
    grads: tuple[Any, ...],
    states: tuple[Any, ...],
    form: StateForm,
    before: Any = None,
) -> DeviceStep:
    """Check the arrays of one step and bind them, as `weightopt_core.backends.interface` says."""
    # Read once: whoever has the lists may change them meanwhile.
    weights, grads = tuple(weights), tuple(grads)
    states = tuple(tuple(s) if isinstance(s, (tuple, list)) else s for s in states)
    if not len(weights) == len(grads) == len(states):
        got = f"{len(weights)}, {len(grads)} and {len(states)} of them"
        raise ValueError(wording("weight, grad and state", "equally many of each", got))
    given = [[w, g, *_parts(s)] for w, g, s in zip(weights, grads, states)]
    seen = seen_of(given)  # first, so that no change after the checks goes unnoticed
    tensors, uses = [], []
    queue = getattr(weights[0], "queue", None)
    for i, (weight, grad, state) in enumerate(zip(weights, grads, states)):
        check(weight, "weight")
        parts, master = parts_of(rule, state, form.master and is_half(weight))
        named = _check(rule, queue, weight, grad, parts, master, form)
        uses += [use_of(a, n != "grad", i, n) for n, a in named.items() if a.size]
        arrays = (weight, grad, *parts) if master is None else (master, grad, *parts, weight)
        tensors.append(arrays)
    check_apart(uses)
    made = DeviceStep(rule, form, given, tensors, seen)
    if seen is not None and seen.recognise(weights, grads, states) is None:
        raise ValueError("weight, grad and state: an array changed while they were checked")
    return made


def _check(
    rule: Any,
    queue: Any,
    weight: Any,
    grad: Any,
    states: Sequence[Any],
    master: Any,
    form: StateForm,
) -> dict[str, Any]:
    """Return the arrays of one weight by name, or raise what is wrong with one."""
    check_state_dtype(weight.dtype.name, form)
    of_grad, of_state = dtypes_of(weight.dtype.name, master is not None, form)
    check(grad, "grad", weight.shape, of_grad, written=False)
    named = {"weight": weight, "grad": grad}
    for name, state in zip(rule.states, states):
        check_state(check, state, name, weight, of_state, form)
        named[f"state {name!r}"] = state
    if master is not None:
        named["master copy of weight"] = master
        check(master, "master copy of weight", weight.shape, ("float32",))
    for name, array in named.items():
        _check_queue(array, name, queue)
        check_kernel(array, name, written=name != "grad")
    return named


def _check_queue(array: Any, name: str, queue: cl.CommandQueue) -> None:
    if array.queue == queue:
        return
    if array.queue.context != queue.context:
        expected, remedy = "that of the first weight", "copy the array to it"
        raise ValueError(wording(f"context of {name}", expected, "another", remedy))
    expected, remedy = "that of the first weight", "pass array.with_queue(weight.queue)"
    raise ValueError(wording(f"queue of {name}", expected, "another", remedy))


def _parts(state: Any) -> tuple[Any, ...]:
    return () if state is None else state if isinstance(state, tuple) else (state,)
