"""Time several things in turn, again and again, so that a noisy machine disturbs all alike."""

import statistics
import time
from dataclasses import dataclass
from typing import NamedTuple

#: Longer than OpenMP's threads look for work, with the settings they come with, before they sleep.
SETTLE = 0.01


class Quartiles(NamedTuple):
    """A quarter, half and three quarters of the values are at most as large."""

    low: float
    median: float
    high: float


def quartiles(values):
    """Return the `Quartiles` of at least one value."""
    values = list(values)
    return Quartiles(*(statistics.quantiles(values, n=4) if len(values) > 1 else values * 3))


@dataclass(frozen=True)
class Times:
    """Seconds of each round."""

    seconds: list[float]

    @property
    def quartiles(self):
        """The quartiles of the rounds."""
        return quartiles(self.seconds)

    @property
    def median(self):
        """The median round."""
        return self.quartiles.median

    def over(self, other):
        """Return the quartiles of this one's rounds over those of `other`, round by round."""
        return quartiles(a / b for a, b in zip(self.seconds, other.seconds, strict=True))


def interleaved(functions, rounds=21, minimum=0.01, settle=False, progress=iter):
    """Return the `Times` of each function by its name; a round calls it for `minimum` seconds.

    Before a function is timed it is called once more if that is quick, for its data to be in the
    caches and its threads awake. With `settle` the threads of the function before it have gone to
    sleep by then; those that look for work would take a processor away.
    """
    once = {name: _seconds(function) for name, function in functions.items()}
    warm = 0.1 if settle else 0.02
    seconds = {name: [] for name in functions}
    for _ in progress(range(rounds)):
        for name, function in functions.items():
            if settle:
                time.sleep(SETTLE)
            if once[name] < warm:
                function()
            calls = max(1, round(minimum / once[name]))
            start = time.perf_counter()
            for _ in range(calls):
                function()
            seconds[name].append((time.perf_counter() - start) / calls)
    return {name: Times(values) for name, values in seconds.items()}


def _seconds(function):
    """Return the seconds of one call, which is not the first."""
    function()
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
