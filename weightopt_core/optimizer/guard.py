"""What a call does whose gradients hold infinities or NaN."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..backends import backend_of
from ..errors import wording
from .by_name import thawed

if TYPE_CHECKING:
    from .base import Optimizer

#: What ``on_nonfinite`` may be; with the first one nothing is looked at.
PROPAGATE, RAISE, SKIP = CHOICES = ("propagate", "raise", "skip")
#: How many gradients a message names.
_LISTED = 8


class Guarded(NamedTuple):
    """Gradients, and the optimizer that says what is done where they are not finite."""

    optimizer: Optimizer
    indices: Sequence[Any]
    grads: Sequence[Any]


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
    guarded = optimizer._guarded(indices, grads)
    # Where one raises, the skips of others are not counted.
    guarded.sort(key=lambda one: one.optimizer.on_nonfinite != RAISE)
    return all(map(_admits, guarded))


def nonfinite(optimizer: Optimizer, indices: Sequence[Any], grads: Sequence[Any]) -> list[Any]:
    """Return the indices whose gradients hold an infinity or NaN; what is frozen is left out."""
    rates = optimizer._shared()
    if rates.is_by_name:
        indices, grads = thawed(rates, indices, grads)
    places: dict[Any, list[int]] = {}
    for i, grad in enumerate(grads):
        places.setdefault(backend_of(grad, "grad"), []).append(i)
    found = (
        own[i]
        for backend, own in places.items()
        for i in backend.nonfinite([grads[i] for i in own], "grad")
    )
    return [indices[i] for i in sorted(found)]


def named(optimizer: Optimizer, indices: Sequence[Any]) -> str:
    """Return the gradients of some indices in words."""
    some = ", ".join(_name(optimizer, index) for index in indices[:_LISTED])
    rest = len(indices) - _LISTED
    return f"grad of {some}" + (f", and {rest} more" if rest > 0 else "")


def _admits(guarded: Guarded) -> bool:
    optimizer = guarded.optimizer
    found = nonfinite(*guarded)
    if not found:
        return True
    of = named(optimizer, found)
    if optimizer.on_nonfinite == RAISE:
        remedy = 'lower the learning rate, or leave such steps out with on_nonfinite="skip"'
        raise FloatingPointError(wording(of, "finite numbers", "an infinity or NaN", remedy))
    calls = optimizer._shared().calls
    if not calls.skipped:
        remedy = "this step is skipped, and the attribute skipped counts all"
        text = wording(of, "finite numbers", "an infinity or NaN", remedy)
        warnings.warn(text, UserWarning, stacklevel=4)
    calls.skip()
    return False


def _name(optimizer: Optimizer, index: Any) -> str:
    name = optimizer.idx2name.get(index, index)
    return repr(index) if name == index else f"{index!r} ({name!r})"
