"""One step of a rule over the arrays of one or many tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import threads
from ...engine import compiled_step
from ...errors import wording
from ..interface import StateForm
from ..states import check_state, check_state_dtype, dtypes_of, parts_of
from .arrays import is_half
from .checks import check, view, view_to_write
from .interpreted import Interpreted


def bind(
    rule: Any,
    weights: tuple[Any, ...],
    grads: tuple[Any, ...],
    states: tuple[Any, ...],
    form: StateForm,
    before: Any = None,
) -> Any:
    """Check the arrays of one step and bind them, as `weightopt_core.backends.interface` says."""
    kernel = rule.compiled.kernel
    given = weights, grads, states
    before = getattr(before, "bound", before)
    bound = compiled_step.bind(rule, kernel, *given, form, before, threads.get_num_threads)
    if bound is None:
        given = _views(rule, *given, form)
        bound = compiled_step.bind(rule, kernel, *given, form, before, threads.get_num_threads)
    if bound is None:
        _explain(rule, *given, form)
    return bound if kernel is not None else Interpreted(rule, bound, form.states)


def _views(
    rule: Any, weights: Sequence[Any], grads: Sequence[Any], states: Sequence[Any], form: StateForm
) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
    """Return weights, gradients and states as NumPy arrays over the same memory."""
    names = [*(f"state {name!r}" for name in rule.states), "master copy of weight"]
    viewed = tuple(view_to_write(weight, "weight") for weight in weights)
    parted = []
    for weight, state in zip(weights, states):
        parts, master = parts_of(rule, state, form.master and is_half(weight))
        parted.append([*parts] if master is None else [*parts, master])
    return (
        viewed,
        tuple(view(grad, "grad") for grad in grads),
        tuple(
            tuple(view_to_write(part, name) for part, name in zip(parts, names)) for parts in parted
        ),
    )


def _explain(
    rule: Any, weights: Sequence[Any], grads: Sequence[Any], states: Sequence[Any], form: StateForm
) -> None:
    """Raise what is wrong with the arrays of a step."""
    written = []
    for weight, grad, state in zip(weights, grads, states):
        parts, master = parts_of(rule, state, form.master and is_half(weight))
        _explain_one(rule, weight, grad, parts, master, form)
        written += [array for array in (weight, *parts, master) if array is not None]
    _refuse_overlap(written, "weights and states")
    for grad in grads:
        if any(np.may_share_memory(grad, array) for array in written):
            expected = "memory apart from every weight and state of the call"
            raise ValueError(wording("grad", expected, "an overlap", "copy the gradient"))
    raise RuntimeError("arrays were refused that fit; please report it with their dtypes")


def _explain_one(
    rule: Any, weight: Any, grad: Any, states: Sequence[Any], master: Any, form: StateForm
) -> None:
    """Raise what is wrong with the arrays of one weight, if anything is."""
    weight = check(weight, "weight")
    check_state_dtype(weight.dtype.name, form)
    of_grad, of_state = dtypes_of(weight.dtype.name, master is not None, form)
    check(grad, "grad", weight.shape, of_grad, written=False)
    for name, state in zip(rule.states, states):
        check_state(check, state, name, weight, of_state, form)
    if master is not None:
        check(master, "master copy of weight", weight.shape, ("float32",))
    arrays = [array for array in (weight, grad, *states, master) if array is not None]
    _refuse_overlap(arrays, "weight, grad and state")


def _refuse_overlap(arrays: Sequence[Any], argument: str) -> None:
    views = [view(array, argument) for array in arrays]
    for i, array in enumerate(views):
        if any(np.may_share_memory(array, other) for other in views[i + 1 :]):
            remedy = "copy one of them"
            raise ValueError(wording(argument, "arrays apart", "an overlap in memory", remedy))
