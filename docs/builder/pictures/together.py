"""One figure of all optimizers: a small picture for each, with all others faint behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from .style import Theme, svg

COLUMNS = 5


def figure(curves: Mapping[str, Mapping[str, Any]], each: float, theme: Theme, **axes: Any) -> str:
    """Return the figure.

    Parameters
    ----------
    curves : mapping of str to mapping
        By name what was measured: ``losses`` and ``rate``.
    each : float
        How many updates, or epochs, one number stands for.
    theme : Theme
        Its colours.
    **axes
        What matplotlib's axes are set to.
    """
    rows = math.ceil(len(curves) / COLUMNS)
    draw = partial(_draw, curves=curves, each=each, axes=axes)
    return svg(draw, theme, (9.2, 1.45 * rows + 0.3), (rows, COLUMNS))


def _draw(grid: Any, theme: Theme, curves: Any, each: float, axes: dict[str, Any]) -> None:
    order = sorted(curves, key=lambda name: _last(curves[name]["losses"]))
    for i, axis in enumerate(np.ravel(grid)):
        if i >= len(order):
            axis.set_axis_off()
            continue
        for one in curves.values():
            at = np.arange(1, len(one["losses"]) + 1) * each
            axis.plot(at, one["losses"], color=theme.faint, linewidth=0.35, zorder=0)
        shown = curves[order[i]]
        axis.plot(at, shown["losses"], color=theme.first, linewidth=1.6)
        axis.set(**axes)
        axis.tick_params(labelsize=6.5, labelleft=i % COLUMNS == 0)
        axis.tick_params(labelbottom=i + COLUMNS >= len(order))
        axis.set_title(f"{order[i]}, {shown['rate']:g}", fontsize=8.5)


def _last(losses: list[float]) -> float:
    return losses[-1] if math.isfinite(losses[-1]) else math.inf
