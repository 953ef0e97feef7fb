"""Updates by gradients that are multiplied by numbers which belong to one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backends import backend_of
from .base import Optimizer
from .clipping import by_backend


def update_scaled(
    optimizer: Optimizer,
    indices: Sequence[Any],
    weights: Sequence[Any],
    grads: Sequence[Any],
    states: Sequence[Any],
    factors: Sequence[float],
) -> None:
    """Update as `clip_global_norm` and `Optimizer.update` would one after another, to the bit.

    Every gradient counts as if it had been multiplied by each factor in turn, each product rounded
    to what its array stores. None is written to. The rule of an optimizer takes the products in
    the pass that steps, where the backend of the weights can do that. Everything else is given
    copies, which are gone after the call.

    Parameters
    ----------
    optimizer : Optimizer
        What makes the update. What ``on_nonfinite`` says is seen to before.
    indices, weights, grads, states : list or tuple
        As for `Optimizer.update`.
    factors : sequence of float
        May be empty.
    """
    rule = optimizer._stepped_rule
    most = getattr(backend_of(weights[0]), "factors_in_step", int)
    if rule is not None and len(factors) <= most():
        given = rule, indices, weights, grads, states
        optimizer._stepper.step(optimizer, *given, factors=tuple(factors))
        return
    optimizer.update(indices, weights, _scaled(grads, factors) if factors else grads, states)


def _scaled(grads: Sequence[Any], factors: Sequence[float]) -> list[Any]:
    """Return the gradients times each factor in turn."""
    backends = [backend_of(grad, f"grads[{i}]") for i, grad in enumerate(grads)]
    copies = [backend.duplicate(grad) for backend, grad in zip(backends, grads)]
    for backend, own in by_backend(zip(backends, copies)).items():
        backend.scale(own, factors)
    return copies
