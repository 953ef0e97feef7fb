"""How much memory a step takes beyond weights, gradients and states."""

import tracemalloc
from pathlib import Path

import numpy as np

from . import workloads
from .project import WeightOpt

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


def measure(algorithms, names, advance=lambda text: None):
    """Return a row for each algorithm and workload: bytes of the weights, and of a step's peak."""
    rows = []
    for name in names:
        shapes = workloads.workload(name).shapes
        weights, grads = (workloads.arrays(shapes, np.float32, seed) for seed in range(2))
        for algorithm in algorithms.values():
            advance(f"memory: {name} {algorithm.name}")
            step = WeightOpt().step(weights, grads, algorithm)
            step()  # the pages of new states come with the first write to them
            rows.append(
                {
                    "workload": name,
                    "algorithm": algorithm.name,
                    "weights": sum(weight.nbytes for weight in weights),
                    "resident": resident(step),
                    "python": allocated(step),
                }
            )
    return rows


def allocated(function):
    """Return the peak of what a call allocates through Python, NumPy's arrays included."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def resident(function):
    """Return by how many bytes the peak of resident memory exceeds that before a call.

    None where the system does not say.
    """
    try:
        RESET.write_text("5")  # Linux: the peak counts from now on
    except OSError:
        return None
    before = _status("VmRSS")
    function()
    return max(0, _status("VmHWM") - before)


def _status(key):
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024
