"""Time several things in turn, again and again, so that a noisy machine disturbs all alike."""

import statistics
import time
from dataclasses import dataclass

from rich.progress import track


@dataclass(frozen=True)
class Times:
    """Seconds of each round."""

    seconds: list[float]

    @property
    def median(self):
        """The median round."""
        return statistics.median(self.seconds)

    def over(self, other):
        """Return the median of this one's rounds over those of `other`, and the quartiles."""
        ratios = [a / b for a, b in zip(self.seconds, other.seconds, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        return middle, low, high


def interleaved(functions, rounds=21, minimum=0.01, description="timing"):
    """Return the `Times` of each function by its name; a round calls it for `minimum` seconds."""
    calls = {name: _calls(function, minimum) for name, function in functions.items()}
    seconds = {name: [] for name in functions}
    for _ in track(range(rounds), description=description, transient=True):
        for name, function in functions.items():
            start = time.perf_counter()
            for _ in range(calls[name]):
                function()
            seconds[name].append((time.perf_counter() - start) / calls[name])
    return {name: Times(values) for name, values in seconds.items()}


def _calls(function, minimum):
    function()
    start = time.perf_counter()
    function()
    return max(1, round(minimum / (time.perf_counter() - start)))
