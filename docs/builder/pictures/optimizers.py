"""Pictures of an optimizer: its way over two surfaces, and how it learns handwritten digits."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from weightopt_core import optimizer
from weightopt_core.cli import compare
from weightopt_core.cli.compare import train
from weightopt_core.cli.facts import rules
from weightopt_core.testing import digits
from weightopt_core.testing.subject import Subject

from . import surfaces

#: Learning rates that are tried; LARS takes its steps in parts of a norm.
RATES = [*compare.RATES, 10.0]
#: Epochs, and those after which the best learning rate is chosen: some diverge late.
EPOCHS, TRIED = 30, 15


def together(cls: Any, rate: float) -> Any:
    """Return an optimizer for weights of any shape: vectors are for another where it takes none."""
    made = Subject(cls).create(learning_rate=rate)
    if cls.conformance.dimensions < 2:
        return made
    pair = [made, optimizer.create("adamw", learning_rate=rate)]
    return optimizer.create("mixed", patterns=[".*_weight", ".*"], optimizers=pair)


class _Maker:
    """What `weightopt_core.cli.compare.train` makes its optimizers with."""

    def __init__(self, cls: Any):
        self.cls = cls
        self.text = cls.__name__

    def create(self, rate: float) -> Any:
        made = together(self.cls, rate)
        # Who draws weights takes the gradient of all samples.
        draws = any(rule.draws for rule in rules(self.cls))
        made.rescale_grad = (len(_digits()[0]) if draws else 1) / digits.BATCH
        return made


def measure(cls: Any) -> dict[str, Any]:
    """Return the numbers of all pictures."""
    found: dict[str, Any] = {
        name: surfaces.way(cls, surface) for name, surface in surfaces.SURFACES.items()
    }
    with threadpool_limits(1):
        found["digits"] = learn(cls)
    return found


def learn(cls: Any) -> dict[str, Any]:
    """Return losses and accuracies by epoch, at the learning rate that is best after a few."""
    maker, data = _Maker(cls), _digits()
    tried = [_trained(maker, rate, data, TRIED)[0].loss() for rate in RATES]
    curves, lost = _trained(maker, RATES[int(np.argmin(tried))], data, EPOCHS)
    means = np.reshape(curves.losses, (EPOCHS, -1)).mean(axis=1)
    return {
        "rate": RATES[int(np.argmin(tried))],
        "losses": means.round(5).tolist(),
        "accuracies": np.round(curves.accuracies, 4).tolist(),
        "lost": lost,
    }


def _trained(maker: Any, rate: float, data: Any, epochs: int) -> tuple[Any, bool]:
    with np.errstate(all="ignore"):
        curves = train(maker, rate, data, epochs, 0, lambda: None)
    return curves, not np.isfinite(curves.losses[-1])


@lru_cache(1)
def _digits() -> Any:
    return digits.load(0)


#: Other modules that decide the numbers.
DEPENDS: tuple[ModuleType, ...] = (surfaces, digits, compare)
