"""The arrays that a state consists of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..dtypes import NARROW, compute_of
from ..errors import wording
from .interface import StateForm


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
    return tuple(dict.fromkeys((weight, own))), "bfloat16" if form.rounded else own


def check_state_dtype(weight: str) -> None:
    """Raise ValueError where no state in bfloat16 goes with a weight of that dtype."""
    if compute_of(weight) != compute_of("bfloat16"):
        expected = f"{NARROW} with state_dtype='bfloat16'"
        remedy = "leave state_dtype out for such weights"
        raise ValueError(wording("dtype of weight", expected, weight, remedy))


def remedy_for(form: StateForm) -> str:
    """Say what to do about a state of another dtype."""
    given = "with" if form.rounded else "without"
    return f"the optimizer was created {given} state_dtype='bfloat16', and so must the state be"
