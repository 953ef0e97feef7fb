"""The arrays that a state consists of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import wording


def parts_of(rule: Any, state: Any, has_master: bool) -> tuple[Sequence[Any], Any]:
    """Return the arrays of the rule's states, and the master copy or None.

    Raises
    ------
    ValueError
        There are more or fewer of them.
    """
    parts = () if state is None else state if isinstance(state, (tuple, list)) else (state,)
    names = [*rule.states, "master copy"] if has_master else rule.states
    if len(parts) != len(names):
        expected = f"{len(names)} arrays ({', '.join(names) or 'None'})"
        remedy = "pass what create_state returned"
        raise ValueError(wording("state", expected, str(len(parts)), remedy))
    count = len(rule.states)
    return parts[:count], parts[count] if has_master else None
