"""How the numbers of each picture are drawn, by panel."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .style import Theme
from .surfaces import SURFACES, Surface


def _way(surface: Surface, axis: Any, theme: Theme, data: dict[str, Any]) -> None:
    """Draw a way over lines of equal height, and the minimum."""
    left, right, low, high = surface.view
    x, y = np.meshgrid(np.linspace(left, right, 120), np.linspace(low, high, 120))
    height = surface.value(x, y)
    levels = np.geomspace(max(height.min(), 0.05), height.max(), 11)
    axis.contour(x, y, height, levels, colors=theme.faint, linewidths=0.6)
    points = np.array(data["points"])
    axis.plot(*points.T, color=theme.first, marker=".", markersize=2.5, linewidth=0.9)
    axis.plot(*surface.minimum, marker="*", markersize=9, color=theme.second, linestyle="none")
    axis.set(xlim=(left, right), ylim=(low, high), xticks=[], yticks=[])
    axis.set(title=surface.title, xlabel=f"{surface.steps} steps, rate {data['rate']:.2g}")


def _digits(axis: Any, theme: Theme, data: dict[str, Any]) -> None:
    epochs = range(1, len(data["losses"]) + 1)
    axis.plot(epochs, data["losses"], color=theme.first)
    axis.set(xlabel="epoch", yscale="log", ylim=(5e-4, 4), title="the loss on digits")
    for row, text in enumerate((f"{data['accuracies'][-1]:.1%} right", f"rate {data['rate']:g}")):
        axis.text(0.97, 0.93 - 0.09 * row, text, transform=axis.transAxes, ha="right")


def _rate(axis: Any, theme: Theme, data: dict[str, Any]) -> None:
    axis.step(range(1, len(data["rates"]) + 1), data["rates"], where="post", color=theme.first)
    axis.set(xlabel="update", ylabel="learning rate", ylim=(0, None))


def _histogram(axis: Any, theme: Theme, data: dict[str, Any]) -> None:
    axis.stairs(data["counts"], data["edges"], fill=True, color=theme.first)
    shape = " by ".join(map(str, data["shape"]))
    axis.set(xlabel="weight", yticks=[])
    axis.set_title(f"{shape}, standard deviation {data['deviation']:.3g}")


def _depth(axis: Any, theme: Theme, data: dict[str, Any]) -> None:
    for (name, values), color in zip(data.items(), (theme.first, theme.second), strict=True):
        axis.plot(range(len(values)), np.maximum(values, 1e-9), color=color, marker=".", label=name)
    axis.axhline(1, color=theme.faint, linewidth=0.8, zorder=0)
    axis.set(xlabel="layer", yscale="log", title="the spread of activations")
    low, high = axis.get_ylim()
    axis.set_ylim(min(low, 0.05), max(high, 5))
    axis.legend()


#: By panel: its description, and what draws its numbers.
PANELS = {
    name: (f"The way over {surface.title}", partial(_way, surface))
    for name, surface in SURFACES.items()
} | {
    "digits": ("The loss on handwritten digits by epoch", _digits),
    "rate": ("The learning rate by update", _rate),
    "depth": ("The standard deviation of activations through ten layers", _depth),
    "histogram": ("A histogram of the weights of one layer", _histogram),
}
