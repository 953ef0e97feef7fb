"""How an optimizer learns the character model of examples/chars.py, made smaller."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import weightopt_core as wo

from .optimizers import together

EXAMPLE = Path(__file__).parents[3] / "examples" / "chars.py"
HIDDEN, BATCH, LENGTH = 32, 16, 25
#: Learning rates that are tried for some updates; the best of them goes on from the start.
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
TRIED, UPDATES = 60, 300
#: Over how many updates losses are smoothed.
SMOOTH = 10


def learn(cls: Any) -> dict[str, Any]:
    """Return smoothed losses, in nats a character, at the best learning rate."""
    with threadpool_limits(1), np.errstate(all="ignore"):
        tried = [np.mean(_losses(cls, rate, TRIED)[-20:]) for rate in RATES]
        rate = RATES[int(np.nanargmin(np.where(np.isfinite(tried), tried, np.inf)))]
        losses = _losses(cls, rate, UPDATES)
    means = np.reshape(losses, (-1, SMOOTH)).astype(float).mean(axis=1)
    return {"rate": rate, "losses": means.round(4).tolist()}


def _losses(cls: Any, rate: float, updates: int) -> list[float]:
    chars, (numbers, characters) = _example()
    wo.random.seed(0)
    params = chars.parameters(wo.init.create("xavier"), characters, HIDDEN, 1.0)
    made = together(cls, rate)
    made.param_idx2name = dict(enumerate(params))
    updater = wo.optimizer.get_updater(made)
    return chars.train(params, numbers, updater, updates, "")


@lru_cache(1)
def _example() -> Any:
    spec = importlib.util.spec_from_file_location("chars", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.BATCH, module.LENGTH = BATCH, LENGTH
    module.track = lambda steps, description: steps  # no bar in the output of a build
    return module, module.load()
