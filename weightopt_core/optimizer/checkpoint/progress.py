"""How far an optimizer has come, with the optimizers in it: described as JSON, and given back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import wording
from ..rates import Counts
from . import comparing
from .indices import by_index, is_int, plain_index

if TYPE_CHECKING:
    from ..base import Optimizer

#: How deep optimizers may be nested, and tuples and lists of a state.
DEEPEST = 32


@dataclass(frozen=True)
class Progress:
    """What was saved of an optimizer.

    Attributes
    ----------
    optimizer : str
        The name of its class.
    num_update : int
        The largest count of all.
    counts : dict of index to int
        How often each weight was updated.
    noise_seed : int or None
        The seed of noise and rounding.
    settings : dict
        What describes it, as `comparing.settings` returns it; empty for format 1.
    inner : tuple of Progress
        That of the optimizers in it.
    """

    optimizer: str
    num_update: int
    counts: dict[Any, int]
    noise_seed: int | None
    settings: dict[str, Any]
    inner: tuple[Progress, ...]

    def give(self, optimizer: Optimizer) -> None:
        """Let `optimizer` go on from here, and those in it."""
        optimizer._rates.true.replace(self.counts, self.num_update)
        optimizer.noise_seed = self.noise_seed
        for progress, inner in zip(self.inner, optimizer.inner):
            progress.give(inner)


def present(optimizer: Optimizer) -> Progress:
    """Return how far an optimizer has come, to go back to."""
    true = optimizer._rates.true
    inner = tuple(map(present, optimizer.inner))
    name, seed = comparing.name_of(optimizer), optimizer.noise_seed
    return Progress(name, true.num_update, dict(true), seed, {}, inner)


def described(optimizer: Optimizer, depth: int = 0) -> dict[str, Any]:
    """Return the progress of an optimizer as JSON keeps it."""
    if depth > DEEPEST:
        raise ValueError(wording("inner", f"optimizers in at most {DEEPEST} others", "more"))
    counts = optimizer._index_update_count
    seed = None if optimizer.noise_seed is None else optimizer._stepper.seed(optimizer)
    return {
        "optimizer": comparing.name_of(optimizer),
        "settings": comparing.settings(optimizer),
        "written": _written(optimizer),
        "num_update": optimizer.num_update,
        "counts": [[plain_index(index), count] for index, count in counts.items()],
        "noise_seed": _checked_seed(seed),
        "inner": [described(inner, depth + 1) for inner in optimizer.inner],
    }


def checked(content: dict[str, Any], format: int) -> Progress:
    """Return what `described` wrote in a format; raise an error where it is none."""
    counts = by_index("counts", content["counts"])
    Counts(counts, content["num_update"])  # raises where one is no count
    settings = {} if format == 1 else content["settings"]
    inner = content["inner"] if format > 2 else []
    if not isinstance(content["optimizer"], str) or not isinstance(settings, dict):
        raise TypeError("the optimizer is not described")
    if not isinstance(inner, list):
        raise TypeError("optimizers in it that are no list")
    seed = _checked_seed(content["noise_seed"])
    parts = tuple(checked(part, format) for part in inner)
    return Progress(content["optimizer"], content["num_update"], counts, seed, settings, parts)


def moment(optimizer: Optimizer) -> Any:
    """Return what differs as soon as a step of an optimizer was counted."""
    counts = optimizer._rates.true
    return counts.num_update, dict(counts), [moment(inner) for inner in optimizer.inner]


def _written(optimizer: Optimizer) -> str | None:
    try:
        return optimizer.dumps()
    except (TypeError, ValueError):  # of no registered class, or made of what has no text
        return None


def _checked_seed(seed: Any) -> int | None:
    if seed is None or (is_int(seed) and 0 <= seed < 2**64):
        return seed
    raise ValueError(wording("noise_seed", "None or an integer in [0, 2**64)", repr(seed)))
