"""Whether a loaded state fits the weight that it is for, and the state where the weight is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...backends import backend_of
from ...errors import wording

if TYPE_CHECKING:
    from ..base import Optimizer

REMEDY = "with strict=False what fits is loaded, and the rest begins anew"


def resumed(
    optimizer: Optimizer, index: Any, weight: Any, state: Any, strict: bool
) -> tuple[Any, bool]:
    """Return a loaded state where its weight is, and whether it fits.

    One that does not fit is refused where `strict`, and replaced by a new one else. An optimizer
    that overrides `update` decides itself what its states are.
    """
    if optimizer._formula is None and not optimizer.inner:
        return placed(state, weight), True
    new = optimizer.create_state(index, weight)
    form, needed = _form(state), _form(new)
    if form != needed:
        if strict:
            raise ValueError(wording(f"loaded state of {index!r}", needed, form, REMEDY))
        return new, False
    master = optimizer._master(index, weight, state)
    if master is not None and not _is_rounded(master, weight):
        if strict:
            expected = "the values of the master copy in its loaded state"
            remedy = f"load the weight that was saved with it; {REMEDY}"
            raise ValueError(wording(f"weight of {index!r}", expected, "others", remedy))
        return _replaced(placed(state, weight), optimizer._master(index, weight, new)), True
    return placed(state, weight), True


def placed(state: Any, weight: Any) -> Any:
    """Return a state with its arrays where `weight` is."""
    if isinstance(state, (tuple, list)):
        parts = [placed(part, weight) for part in state]
        return tuple(parts) if isinstance(state, tuple) else parts
    return backend_of(weight).place(state, weight) if isinstance(state, np.ndarray) else state


def _replaced(state: Any, master: Any) -> Any:
    """Return a state with another master copy, which is last in it."""
    if isinstance(state, tuple):
        return (*state[:-1], _replaced(state[-1], master))
    return master


def _form(state: Any) -> str:
    """Word what a state is made of."""
    if isinstance(state, (tuple, list)):
        parts = ", ".join(map(_form, state))
        return f"({parts})" if isinstance(state, tuple) else f"[{parts}]"
    try:
        array = backend_of(state, "state").view(state, "state")
    except TypeError:
        return repr(state)
    return f"{array.dtype.name}{list(array.shape)}"


def _is_rounded(master: np.ndarray, weight: Any) -> bool:
    """Whether a 16-bit weight is what its master copy rounds to."""
    values = backend_of(weight).to_host(weight)
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = np.asarray(master).astype(values.dtype)
    return bool(((rounded == values) | ((rounded != rounded) & (values != values))).all())
