"""What the states of an optimizer are made of, and those that a weight begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..backends import backend_of
from ..backends.cpu.quantized import quantized_whole
from ..backends.interface import STATE_FORMS, StateForm
from ..backends.states import check_state_dtype
from ..errors import wording

if TYPE_CHECKING:
    from .base import Optimizer


def form_of(optimizer: Optimizer) -> StateForm:
    """Return what the states are made of."""
    rule = optimizer.rule
    if optimizer.state_dtype is None or rule is None or not rule.states:
        return STATE_FORMS[optimizer.multi_precision, None]
    if rule.draws:
        expected = f"None for the rule {rule.name!r}, which draws noise"
        raise ValueError(wording("state_dtype", expected, repr(optimizer.state_dtype)))
    return STATE_FORMS[optimizer.multi_precision, optimizer.state_dtype]


def as_stored(optimizer: Optimizer, values: Any) -> Any:
    """Return values in host memory as an array that a state can be set to, rounded to nearest."""
    return quantized_whole(values) if form_of(optimizer).states == "int8" else values


def keeps_master(optimizer: Optimizer, weight: Any) -> bool:
    """Whether the states of a weight have a float32 copy of it."""
    return optimizer.multi_precision and backend_of(weight).is_half(weight)


def created(optimizer: Optimizer, weight: Any) -> Any:
    """Return the initial state of one weight, as `Optimizer.create_state` describes it."""
    if optimizer.rule is None:
        return None
    if keeps_master(optimizer, weight):
        master = backend_of(weight).to_float32(weight)
        return (*_stored(optimizer, master), master)
    states = tuple(_stored(optimizer, weight))
    return states if len(states) > 1 else states[0] if states else None


def _stored(optimizer: Optimizer, weight: Any) -> Sequence[Any]:
    """Return the initial states in the dtype that they are kept in."""
    states = optimizer.initial_states(weight)
    form = form_of(optimizer)
    if form.states is None:
        return states
    backend = backend_of(weight)
    check_state_dtype(backend.view(weight, "weight").dtype.name, form)
    if form.states == "bfloat16":
        return [backend.to_bfloat16(state) for state in states]
    return [backend.place(as_stored(optimizer, backend.to_host(one)), one) for one in states]
