"""What comes on top of the arithmetic: imports, creation, calls, threads that have slept."""

import json
import subprocess
import sys
import time

import numpy as np

import weightopt_core as wo

from . import workloads
from .algorithms import Algorithm
from .project import WeightOpt
from .suite import rounded
from .timing import Times, interleaved, quartiles

ADAM = Algorithm("adam", "adam")
IDLE = 0.05
#: Run in an interpreter of its own each time, for what happens only once.
FIRST = """
import json, time
marks = [time.perf_counter()]
def mark(): marks.append(time.perf_counter())
import numpy as np; mark()
import weightopt_core as wo; mark()
optimizer = wo.optimizer.create("adam"); mark()
weight, grad = np.ones((2, 100), np.float32)
state = optimizer.create_state(0, weight); mark()
optimizer.update(0, weight, grad, state); mark()
optimizer.update(0, weight, grad, state); mark()
print(json.dumps([later - earlier for earlier, later in zip(marks, marks[1:])]))
"""
FIRST_NAMES = (
    "import NumPy, alone",
    "import weightopt_core, after NumPy",
    'first `create("adam")`',
    "first `create_state`",
    "first `update` of 100 weights",
    "second `update` of 100 weights",
)


def measure(peers, rounds, advance=lambda text: None):
    """Return rows of a name, a unit and quartiles."""
    advance("overheads: a new interpreter")
    rows = first(rounds)
    advance("overheads: calls")
    rows += calls(rounds)
    advance("overheads: idling")
    return rows + idle(peers, rounds)


def first(rounds):
    """What a new interpreter pays once."""
    command = [sys.executable, "-c", FIRST]
    done = [subprocess.run(command, check=True, capture_output=True) for _ in range(rounds)]
    columns = zip(*(json.loads(run.stdout) for run in done))
    return [_row(name, "ms", 1e3, quartiles(column)) for name, column in zip(FIRST_NAMES, columns)]


def calls(rounds):
    """A call that has next to nothing to do, over one of NumPy's."""
    a, b = np.ones((2, 100), np.float32)
    weights, grads = (workloads.arrays([(100,)], np.float32, seed) for seed in range(2))
    functions = {
        "np.add": lambda: np.add(a, b, out=a),
        "update": WeightOpt().step(weights, grads, ADAM),
        "create": lambda: wo.optimizer.create("adam"),
    }
    times = interleaved(functions, rounds)
    over = times["update"].over(times["np.add"])
    return [
        _row("`np.add(a, b, out=a)` of 100 elements", "µs", 1e6, times["np.add"].quartiles),
        _row("`update` of 100 weights, Adam", "µs", 1e6, times["update"].quartiles),
        _row("`update` of 100 weights over `np.add`", "times", 1, over),
        _row('later `create("adam")`', "µs", 1e6, times["create"].quartiles),
    ]


def idle(peers, rounds):
    """A step on two threads after the threads have slept, over the hot step on one thread."""
    rows = []
    several = [peer for peer in peers if peer.any_threads and peer.takes("adam", "float32", 1)]
    for contestant in (WeightOpt(), *several):
        weights, grads = (workloads.arrays([(100_000,)], np.float32, seed) for seed in range(2))
        step = contestant.step(weights, grads, ADAM)
        contestant.set_threads(1)
        hot = interleaved({"hot": step}, rounds)["hot"]
        contestant.set_threads(2)
        slept = Times([_after_idling(step) for _ in range(rounds)])
        text = f"1e5 weights on 2 threads after 50 ms of idling, over hot on 1: {contestant.name}"
        rows.append(_row(text, "times", 1, slept.over(hot)))
    return rows


def _after_idling(function):
    function()
    time.sleep(IDLE)
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _row(name, unit, scale, values):
    return {"name": name, "unit": unit, "quartiles": rounded(scale * value for value in values)}
