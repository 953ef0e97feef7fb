"""A check that an optimizer optimizes."""

from __future__ import annotations

import numpy as np

from .subject import Subject

#: Of a quadratic function of ten unknowns.
CURVATURE = np.logspace(-1, 1, 10)
#: Learning rates to try, number of steps, and how much of the loss may be left. The last rate is
#: for steps that are a thousandth of it times the norm of the weight.
RATES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 300.0)
STEPS = 300
LEFT = 1e-4


def minimises_a_quadratic(subject: Subject) -> None:
    """With some learning rate the loss falls to a ten-thousandth in 300 steps."""
    for given in subject.settings():
        best = np.inf
        for rate in RATES:
            best = np.fmin(best, _left(subject, {**given, "learning_rate": rate}))
            if best < LEFT:
                break
        else:
            raise AssertionError(f"{given}: of the loss {best:.2g} is left after {STEPS} steps")


CHECKS = (minimises_a_quadratic,)


def _left(subject: Subject, given: dict[str, float]) -> float:
    optimizer = subject.create(**given)
    weight = np.ones(subject.shaped((10,)), np.float32)
    state = optimizer.create_state(0, weight)
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            optimizer.update(0, weight, (CURVATURE * weight).astype(np.float32), state)
        return float((CURVATURE * weight.astype(float) ** 2).sum() / CURVATURE.sum())
