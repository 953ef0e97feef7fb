"""How pictures look: as vector graphics without a background, for light pages and for dark ones."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, NamedTuple

import matplotlib
from matplotlib.figure import Figure


class Theme(NamedTuple):
    """Colours: of text, of lines that are only for comparison, and of what is shown."""

    text: str
    faint: str
    first: str
    second: str


THEMES = {
    "light": Theme("#24292f", "#b6bcc4", "#1d4ed8", "#c2410c"),
    "dark": Theme("#e3e6ea", "#5b636d", "#7aa7ff", "#ffb066"),
}


def svg(
    draw: Callable[[Any, Theme], None],
    theme: Theme,
    size: tuple[float, float] = (3.6, 2.9),
    shape: tuple[int, int] = (1, 1),
) -> str:
    """Return what `draw` draws on axes, or on a whole grid of them, as the text of an SVG.

    Equal drawings give equal text.
    """
    settings = {
        "svg.hashsalt": "weightopt",
        "svg.fonttype": "path",
        "font.size": 9,
        "axes.titlesize": 9.5,
        "lines.linewidth": 1.4,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "text.color": theme.text,
        "axes.labelcolor": theme.text,
        "axes.edgecolor": theme.text,
        "xtick.color": theme.text,
        "ytick.color": theme.text,
        "axes.facecolor": "none",
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots(*shape), theme)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return text.getvalue()


def of_gallery(_settings: Any, _path: Any) -> None:
    """Let pictures of the gallery be drawn in colours that serve light and dark pages."""
    grey = "#7d8590"
    colours = dict.fromkeys(["text.color", "axes.labelcolor", "axes.edgecolor"], grey)
    colours |= dict.fromkeys(["xtick.color", "ytick.color"], grey)
    matplotlib.rcParams.update(
        colours | {"savefig.transparent": True, "figure.constrained_layout.use": True}
    )
