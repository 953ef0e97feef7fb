"""The way of an optimizer over two surfaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from weightopt_core import random
from weightopt_core.testing.subject import Subject

#: Learning rates that are tried: steps of some optimizers are a part of the norm of the weight.
RATES = np.logspace(-4, 2, 25).round(6)


class Surface(NamedTuple):
    """A function of two numbers, and what is shown of it."""

    title: str
    value: Callable[[Any, Any], Any]
    gradient: Callable[[float, float], tuple[float, float]]
    start: tuple[float, float]
    minimum: tuple[float, float]
    view: tuple[float, float, float, float]
    steps: int


SURFACES = {
    "valley": Surface(
        "Rosenbrock's valley",
        lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
        lambda x, y: (2 * (x - 1) - 400 * x * (y - x**2), 200 * (y - x**2)),
        (-1.2, 1.0),
        (1.0, 1.0),
        (-1.7, 1.5, -0.6, 1.9),
        400,
    ),
    "bowl": Surface(
        "a bowl 30 times as steep one way",
        lambda x, y: (x**2 + 30 * y**2) / 2,
        lambda x, y: (x, 30 * y),
        (-4.0, 1.2),
        (0.0, 0.0),
        (-4.6, 2.2, -1.7, 1.7),
        80,
    ),
}


def way(cls: Any, surface: Surface) -> dict[str, Any]:
    """Return the best way over a surface, and the learning rate that it was taken with."""
    with np.errstate(all="ignore"):
        ways = [(rate, _walk(cls, surface, float(rate))) for rate in RATES]
        rate, best = min(ways, key=lambda found: _left(surface, found[1]))
    return {"rate": float(rate), "points": best.round(4).tolist()}


def _walk(cls: Any, surface: Surface, rate: float) -> Any:
    random.seed(0)
    subject = Subject(cls)
    optimizer = subject.create(learning_rate=rate, wd=0.0)
    weight = np.array(surface.start).reshape(subject.shaped((2,)))
    state = optimizer.create_state(0, weight)
    points = [weight.ravel().copy()]
    for _ in range(surface.steps):
        grad = np.array(surface.gradient(*weight.ravel())).reshape(weight.shape)
        try:
            optimizer.update(0, weight, grad, state)
        except ValueError:  # of gradients that are not finite, which some refuse
            weight.fill(np.nan)
        points.append(weight.ravel().copy())
    return np.array(points)


def _left(surface: Surface, points: Any) -> float:
    """Return how much is left in the last quarter; infinity where it leaves the view on the way."""
    left, right, low, high = surface.view
    x, y = points.T
    inside = (x >= left) & (x <= right) & (y >= low) & (y <= high)
    last = surface.value(x, y)[-len(x) // 4 :]
    return float(np.log(last + 1e-12).mean()) if inside.all() else np.inf
