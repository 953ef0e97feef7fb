"""The command ``weightopt bench``: how close steps come to the limit of this machine's memory."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from .. import optimizer, threads
from ..errors import PluginError, wording
from ..kernels.scaling import scale
from ..optimizer import Optimizer, Wrapper
from . import composed
from .compare import HELD
from .console import figure, progress, table, tell
from .facts import arrays_of

#: Before each block, so that threads that spin after the one before have gone to sleep.
PAUSE = 0.03
#: Steps of a block, the first of which does not count.
STEPS = 4
#: Of the least weights, so that no element is an infinity after however many steps.
RATE = 1e-8


class Figures(NamedTuple):
    """What was measured of an optimizer at one size.

    Attributes
    ----------
    weights : int
        How many the array has.
    moved : int
        The bytes that one pass has to read and to write for each weight.
    seconds : float
        Of a step, the median of the rounds.
    of_limit : float
        The limit over that, the median of the rounds.
    """

    weights: int
    moved: float
    seconds: float
    of_limit: float


class _Sizes(click.ParamType):
    name = "NUMBER,..."

    def convert(self, value: Any, param: Any, ctx: Any) -> list[int]:
        try:
            sizes = [int(float(text)) for text in str(value).split(",")]
        except (OverflowError, ValueError):
            sizes = [0]
        if min(sizes) < 1:
            self.fail(wording("sizes", "numbers above 0, as in 1e5,1e7", repr(value)), param, ctx)
        return sizes


@click.command()
@click.argument("optimizers", nargs=-1)
@click.option("--sizes", default="1e4,1e5,1e6,1e7", show_default=True, type=_Sizes())
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(2))
@click.option(
    "--output",
    default="bench.png",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The picture.",
)
def bench(optimizers: Sequence[str], sizes: list[int], rounds: int, output: Path) -> None:
    """Time the steps of OPTIMIZERS against the memory of this machine, and draw both.

    By default of all that are installed and have a rule. The limit is the time in which the loop
    that multiplies an array by a number reads and writes as many bytes as a step has to: weight,
    gradient and states read once, weight and states written once. 100 % is a step that waits for
    memory alone; one whose rule takes norms reads all of it twice. Both take turns, in blocks.
    """
    try:
        drawn = figure(8, 4.5)  # which fails before anything was measured in vain
        makers = [_maker(text) for text in optimizers or _installed()]
        found: dict[str, list[Figures]] = {}
        with progress() as shown:
            task = shown.add_task("timing", total=len(makers) * len(sizes) * rounds)
            for text, make in makers:
                advance = lambda: shown.advance(task)  # noqa: E731
                found[text] = [measured(make(), size, rounds, advance) for size in sizes]
        picture(drawn, found, output)
    except (ImportError, MemoryError, OSError, PluginError, TypeError, ValueError) as error:
        raise click.ClickException(str(error) or "too little memory for these sizes") from error
    listed = table("optimizer", "weights", "bytes a weight", "time", "GB/s", "of the limit")
    for text, figures in found.items():
        for one in figures:
            rate = one.weights * one.moved / one.seconds / 1e9
            cells = f"{one.weights:.3g}", f"{one.moved:.3g}", f"{one.seconds * 1e3:.3g} ms"
            listed.add_row(text, *cells, f"{rate:.3g}", f"{one.of_limit:.0%}")
    machine = platform.processor() or platform.machine()
    tell(listed, f"{machine}, {threads.get_num_threads()} threads; picture in {output}")


def measured(
    chosen: Optimizer, size: int, rounds: int, advance: Callable[[], None] = lambda: None
) -> Figures:
    """Return the figures of one optimizer; `advance` is called after each round."""
    weight = np.ones(size, np.float32)
    grad = np.full(size, RATE, np.float32)
    state = chosen.create_state("fc_weight", weight)
    moved = weight.nbytes * 2 + grad.nbytes + 2 * sum(array.nbytes for array in arrays_of(state))
    touched = np.ones(max(1, moved // 8), np.float32)
    step = lambda: chosen.update("fc_weight", weight, grad, state)  # noqa: E731
    count = threads.get_num_threads()
    limit = lambda: scale([touched], ["float32"], [1.0], count)  # noqa: E731
    for call in (step, limit):
        call()
    steps, ratios = [], []
    for _ in range(rounds):
        seconds, least = _block(step), _block(limit)
        steps.append(seconds)
        ratios.append(least / seconds)
        advance()
    return Figures(size, moved / size, statistics.median(steps), statistics.median(ratios))


def picture(drawn: Any, found: dict[str, list[Figures]], output: Path) -> None:
    """Draw how much of the limit each optimizer reaches over the sizes."""
    axes = drawn.subplots()
    for text, figures in found.items():
        axes.plot(
            [one.weights for one in figures],
            [100 * one.of_limit for one in figures],
            marker="o",
            label=text,
        )
    axes.axhline(100, color="gray", linestyle="dashed")
    axes.set(xlabel="weights", ylabel="of the memory's limit, %", xscale="log", ylim=(0, None))
    drawn.legend(loc="outside right upper", fontsize="small", ncols=1 + len(found) // 20)
    drawn.savefig(output, dpi=120)


def _block(call: Callable[[], None]) -> float:
    """Return the median time of some calls in a row."""
    times = []
    time.sleep(PAUSE)
    for _ in range(STEPS):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[1:])


def _maker(text: str) -> tuple[str, Callable[[], Optimizer]]:
    """Return what makes the optimizer that an argument asks for; it has made one."""
    name, arguments = composed.read(text, HELD)
    make = lambda: optimizer.create(name, **arguments)  # noqa: E731
    make()
    return text, make


def _installed() -> list[str]:
    """Return the names of what can be made with no argument and has a rule."""
    registry = optimizer.registry
    known: dict[type, str] = {}
    for name in registry.names():
        cls: Any = registry.find(name)
        if cls.rule is not None and not issubclass(cls, Wrapper) and not cls.conformance.host_only:
            known.setdefault(cls, name)
    return list(known.values())
