"""The command ``weightopt plot-lr``: the curve of a learning-rate scheduler."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.bar import Bar
from rich.table import Table

from ..errors import PluginError
from ..lr_scheduler import rate_of
from . import composed
from .console import figure, printable, table, tell

#: Lines of the sketch, and the width of its longest bar.
ROWS, WIDTH = 16, 40


def arguments(_context: Any, _parameter: Any, words: tuple[str, ...]) -> dict[str, Any]:
    """Return what ``name=value`` words say, where the values are JSON."""
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise click.BadParameter(f"expected NAME=VALUE, got {word!r}")
        try:
            found[name] = json.loads(text)
        except ValueError as error:
            raise click.BadParameter(f"{name}: expected JSON, got {text!r}: {error}") from error
    return found


@click.command("plot-lr")
@click.argument("schedule")
@click.option(
    "--set",
    "given",
    multiple=True,
    callback=arguments,
    metavar="NAME=VALUE",
    help="An argument of the first scheduler that takes it; JSON, as step=100 or step=[100,200].",
)
@click.option(
    "--updates",
    default=1000,
    show_default=True,
    type=click.IntRange(1),
    help="How many updates the curve shows.",
)
@click.option("--base-lr", type=float, help="The initial learning rate.")
@click.option(
    "--output",
    default="lr.png",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The picture.",
)
def plot_lr(
    schedule: str, given: dict[str, Any], updates: int, base_lr: float | None, output: Path
) -> None:
    """Draw the learning rate that SCHEDULE gives, as a picture and in the terminal.

    SCHEDULE is a name; or a name with arguments, as "cosine(max_update=900)"; and after a colon
    stands what it holds, as in "warmup(warmup_steps=100):cosine(max_update=900)".
    """
    if base_lr is not None:
        given = given | {"base_lr": base_lr}
    try:
        created = composed.create(schedule, given)
        rates = [rate_of(created, num_update) for num_update in range(1, updates + 1)]
        picture(rates, repr(created), output)
    except (ImportError, OSError, PluginError, TypeError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    tell(sketch(rates), f"{created!r} in {output}")


def sketch(rates: list[float]) -> Table:
    """Return a table with the learning rate at a few updates, each with a bar."""
    sketched = table("update", "learning rate", "")
    rows = min(ROWS, len(rates))
    highest = max(rates) or 1
    for row in range(rows):
        at = row * (len(rates) - 1) // max(rows - 1, 1)
        bar: Any = Bar(highest, 0, rates[at], width=WIDTH)
        if not printable("█"):
            bar = "#" * round(WIDTH * rates[at] / highest)
        sketched.add_row(str(at + 1), f"{rates[at]:.6g}", bar)
    return sketched


def picture(rates: list[float], title: str, output: Path) -> None:
    """Draw the learning rate over the updates."""
    drawn = figure(7, 4)
    axis = drawn.subplots()
    axis.step(range(1, len(rates) + 1), rates, where="post")
    axis.set(title=title, xlabel="update", ylabel="learning rate", ylim=(0, None))
    drawn.savefig(output, dpi=120)
