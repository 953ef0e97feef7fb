"""The calls of one step, which are all made or none: one for each group and kind of slot."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from weightopt_core.optimizer import HostOptimizer

from .slots import has_own_update, parts_of


class Call(NamedTuple):
    """What is stepped at once.

    Attributes
    ----------
    kind : object
        What steps it: `update` does so as a whole or not at all, and `check` raises what `update`
        would.
    core : weightopt_core.Optimizer
        The optimizer of the group.
    arguments : tuple of list
        Indices, weights, gradients and states, as for the core's `update`.
    """

    kind: Any
    core: Any
    arguments: tuple[list[Any], list[Any], list[Any], list[Any]]


def step_all(calls: Sequence[Call]) -> None:
    """Make all calls; where one of them is refused, nothing changes."""
    # The first one is checked before anything is stepped in any case.
    for kind, core, arguments in calls[1:]:
        kind.check(core, *arguments)
    with _taken_back([call for call in calls if not _is_whole(call, calls)]):
        for kind, core, arguments in calls:
            kind.update(core, *arguments)


def _is_whole(call: Call, calls: Sequence[Call]) -> bool:
    """Tell whether nothing of a call is left where one of the step fails."""
    alone = len(calls) == 1 and isinstance(call.core, HostOptimizer)
    return alone or not has_own_update(call.core)


@contextlib.contextmanager
def _taken_back(calls: Sequence[Call]) -> Iterator[None]:
    """Take back what calls have done if one fails.

    It is for code that may refuse any tensor, and does not say so ahead.
    """
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    for _, _, (_, weights, _, states) in calls:
        arrays = (array for state in (*weights, *states) for array in parts_of(state))
        kept += [(array, array.copy()) for array in arrays if isinstance(array, np.ndarray)]
    counts = [(core, dict(core._index_update_count), core.num_update) for _, core, _ in calls]
    try:
        yield
    except BaseException:
        for array, values in kept:
            array[...] = values
        for core, by_index, num_update in counts:
            core._index_update_count = by_index
            core.num_update = num_update
        raise
