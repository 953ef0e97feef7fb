"""What a call does whose gradients hold infinities or NaN."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..backends import backend_of
from ..errors import wording

if TYPE_CHECKING:
    from .base import Optimizer

#: What ``on_nonfinite`` may be; with the first one nothing is looked at.
PROPAGATE, RAISE, SKIP = CHOICES = ("propagate", "raise", "skip")
#: How many gradients a message names.
_LISTED = 8


def admits(optimizer: Optimizer, indices: Sequence[Any], grads: Sequence[Any]) -> bool:
    """Whether a call is to be made, given all of its gradients.

    Raises
    ------
    FloatingPointError
        Some are not finite, and ``on_nonfinite`` is ``"raise"``.

    Warns
    -----
    UserWarning
        It is the first call of this optimizer that is skipped.
    """
    if optimizer.on_nonfinite == PROPAGATE:
        return True
    found = _nonfinite(tuple(grads))
    if not found:
        return True
    some = ", ".join(_name(optimizer, indices[i]) for i in found[:_LISTED])
    of = f"grad of {some}" + (f", and {len(found) - _LISTED} more" if len(found) > _LISTED else "")
    if optimizer.on_nonfinite == RAISE:
        remedy = 'lower the learning rate, or leave such steps out with on_nonfinite="skip"'
        raise FloatingPointError(wording(of, "finite numbers", "an infinity or NaN", remedy))
    calls = optimizer._rates.calls
    if not calls.skipped:
        remedy = "this step is skipped, and the attribute skipped counts all"
        text = wording(of, "finite numbers", "an infinity or NaN", remedy)
        warnings.warn(text, UserWarning, stacklevel=3)
    calls.skip()
    return False


def _nonfinite(grads: tuple[Any, ...]) -> list[int]:
    """Return the places of gradients that hold an infinity or NaN."""
    places: dict[Any, list[int]] = {}
    for i, grad in enumerate(grads):
        places.setdefault(backend_of(grad, "grad"), []).append(i)
    return sorted(
        own[i]
        for backend, own in places.items()
        for i in backend.nonfinite([grads[i] for i in own], "grad")
    )


def _name(optimizer: Optimizer, index: Any) -> str:
    name = optimizer.idx2name.get(index, index)
    return repr(index) if name == index else f"{index!r} ({name!r})"
