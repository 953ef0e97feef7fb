"""The arrays that a state consists of, and how its elements are stored.

A state in 8 bits is one array of bytes: for each block of elements its scale, and then a code for
each element. ``ctext/quantized.h`` says what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..ctext import QUANTIZED_BLOCK as BLOCK
from ..ctext import QUANTIZED_SCALE as SCALE
from ..dtypes import NARROW, QUANTIZED, compute_of
from ..errors import wording
from .interface import StateForm


def quantized_size(count: int) -> int:
    """Return how many bytes a state of so many elements has in 8 bits."""
    return count + -(-count // BLOCK) * SCALE


def parts_of(rule: Any, state: Any, has_master: bool) -> tuple[Sequence[Any], Any]:
    """Return the arrays of the rule's states, and the master copy or None.

    Raises
    ------
    ValueError
        There are more or fewer arrays.
    """
    parts = () if state is None else state if isinstance(state, (tuple, list)) else (state,)
    names = [*rule.states, "master copy"] if has_master else rule.states
    if len(parts) != len(names):
        expected = f"{len(names)} arrays ({', '.join(names) or 'None'})"
        remedy = "pass what create_state returned"
        raise ValueError(wording("state", expected, str(len(parts)), remedy))
    count = len(rule.states)
    return parts[:count], parts[count] if has_master else None


def dtypes_of(weight: str, master: bool, form: StateForm) -> tuple[tuple[str, ...], str]:
    """Return the dtypes that a gradient may have, and the dtype of the states.

    Parameters
    ----------
    weight : str
        The dtype of the weight.
    master : bool
        Whether there is a master copy.
    form : StateForm
        What the states are made of.
    """
    own = "float32" if master else weight
    stored = {None: own, "bfloat16": "bfloat16", "int8": QUANTIZED}
    return tuple(dict.fromkeys((weight, own))), stored[form.states]


def check_state(
    check: Callable[..., Any], state: Any, name: str, weight: Any, dtype: str, form: StateForm
) -> None:
    """Raise what is wrong with one state of a weight.

    Parameters
    ----------
    check : callable
        That of the backend.
    state : array
        What the caller passed.
    name : str
        What the rule calls it.
    weight : array
        The weight.
    dtype : str
        The dtype of its states.
    form : StateForm
        What they are made of.
    """
    argument = f"state {name!r}"
    # First the dtype: a state of another one has another shape too, and that would say less.
    check(state, argument, None, (dtype,), remedy=remedy_for(form))
    shape = weight.shape if form.states != "int8" else (quantized_size(weight.size),)
    check(state, argument, shape, (dtype,))


def check_state_dtype(weight: str, form: StateForm) -> None:
    """Raise ValueError where no states of that form go with a weight of that dtype."""
    if form.states is not None and compute_of(weight) != compute_of("float32"):
        expected = f"{NARROW} with state_dtype={form.states!r}"
        remedy = "leave state_dtype out for such weights"
        raise ValueError(wording("dtype of weight", expected, weight, remedy))


def remedy_for(form: StateForm) -> str:
    """Say what to do about a state of another dtype."""
    given = "without state_dtype" if form.states is None else f"with state_dtype={form.states!r}"
    return f"the optimizer was created {given}, and so must the state be"
