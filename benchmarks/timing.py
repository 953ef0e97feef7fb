"""Time several things in turn, again and again, so that a noisy machine disturbs all alike."""

import random
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
    if len(values) == 1:
        return Quartiles(*values * 3)
    return Quartiles(*statistics.quantiles(values, n=4, method="inclusive"))


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

    Each round has an order of its own, so that none always comes after the same other.
    Before a function is timed it is called once more if that is quick, for its data to be in the
    caches and its threads awake. With `settle` the threads of the function before it have gone to
    sleep by then; those that look for work would take a processor away.
    """
    once = {name: _seconds(function) for name, function in functions.items()}
    warm = 0.1 if settle else 0.02
    seconds = {name: [] for name in functions}
    order = list(functions)
    shuffle = random.Random(0).shuffle
    for _ in progress(range(rounds)):
        shuffle(order)
        for name in order:
            function = functions[name]
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
    """Return the seconds of the quickest of a few calls after the first."""
    function()
    seconds = []
    while len(seconds) < 20 and sum(seconds) < 0.02:
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
