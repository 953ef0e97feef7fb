"""The picture of a scheduler: its curve."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from weightopt_core.lr_scheduler import rate_of
from weightopt_core.testing.subject import Subject

UPDATES = 1000
#: What shows a schedule best in so many updates, by the name of an argument.
SHOWN = {
    "max_update": UPDATES,
    "decay_steps": 300,
    "timescale": 100,
    "factor": 0.5,
    "warmup_steps": 200,
    "schedule": ["cosine", {"max_update": UPDATES}],
    "schedules": [["linear", {"max_update": 300}], ["cosine", {"max_update": 500}]],
    "base_lr": 1.0,
}
#: One number, a list of any length, or one for each part but the first.
STEPS = (200, [300, 600, 850], [300])


def shown(cls: Any) -> Any:
    """Return a scheduler of the class, with arguments that show it where it takes them."""
    declared, needed = cls.hyperparameters, Subject(cls).arguments
    given = {name: value for name, value in SHOWN.items() if name in declared}
    if "schedule" not in declared:  # a warm-up is no part of it
        given.pop("warmup_steps", None)
    candidates = [given | {"step": step} for step in STEPS] if "step" in declared else [given]
    for candidate in candidates:
        try:
            return cls(**(needed | candidate))
        except (TypeError, ValueError):
            pass
    return cls(**needed)


def measure(cls: Any) -> dict[str, Any]:
    """Return the numbers of the picture."""
    schedule = shown(cls)
    rates = [rate_of(schedule, n) for n in range(1, UPDATES + 1)]
    return {"rate": {"title": repr(schedule), "rates": rates}}


#: Other modules that decide the numbers.
DEPENDS: tuple[ModuleType, ...] = ()
