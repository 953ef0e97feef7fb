"""How long a step takes with clipping, a guard and an average: in its pass, and apart from it.

``python -m benchmarks.passes`` prints ratios to Adam alone, of steps that are timed in turn.
"""

import argparse

import numpy as np

import weightopt_core as wo
from weightopt_core.optimizer import Following

from .timing import interleaved
from .workloads import arrays, workload

LISTS = ("1e5", "1e7", "1000x1000")


class Apart:
    """Clips, and then lets an optimizer step; gradients are scaled up again, to be clipped anew."""

    def __init__(self, optimizer, max_norm):
        self.optimizer, self.max_norm = optimizer, max_norm

    def update(self, indices, weights, grads, states):
        """Do both, one after the other."""
        wo.optimizer.clip_global_norm(grads, self.max_norm)
        self.optimizer.update(indices, weights, grads, states)


def steps(shapes):
    """Return for each way a function that makes one step."""
    weights = arrays(shapes, np.float32, 0)
    grads = arrays(shapes, np.float32, 1)
    indices = list(range(len(weights)))
    # Below the norm of what was clipped to it before, so that each step multiplies.
    limits = iter(np.geomspace(1.0, 1e-3, 100_000))

    def of(optimizer, way, grads):
        states = [optimizer.create_state(*pair) for pair in zip(indices, weights)]
        return lambda: way(optimizer).update(indices, weights, grads, states)

    def clipped(optimizer):
        optimizer.max_norm = next(limits)
        return optimizer

    adam = {"on_nonfinite": "skip"}
    own = [grad.copy() for grad in grads]
    return {
        "Adam": of(wo.optimizer.create("adam"), lambda it: it, grads),
        "guard": of(wo.optimizer.create("adam", **adam), lambda it: it, grads),
        "guard and clipping, apart": of(
            wo.optimizer.create("adam", **adam), lambda it: Apart(it, next(limits)), own
        ),
        "guard and clipping, in the pass": of(
            wo.optimizer.create("clipglobalnorm", optimizer=["adam", adam]), clipped, grads
        ),
        "average, apart": apart(of(average(), lambda it: it, grads)),
        "average, in the pass": of(average(), lambda it: it, grads),
    }


def average():
    """Return Adam with an average of the weights."""
    return wo.optimizer.create("ema", optimizer="adam")


def apart(step):
    """Return a step whose average comes after the whole of it."""
    together = Following._shares_a_pass

    def run():
        Following._shares_a_pass = lambda self, weights: False
        try:
            step()
        finally:
            Following._shares_a_pass = together

    return run


def main():
    """Print a line for each way and list."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    for name in LISTS:
        times = interleaved(steps(workload(name).shapes), rounds, settle=True)
        alone = times["Adam"]
        for way, found in times.items():
            low, median, high = found.over(alone)
            took = 1e3 * found.median
            print(f"{name:>10}  {way:<32} {median:.2f}  {low:.2f} to {high:.2f}  {took:.3f} ms")


if __name__ == "__main__":
    main()
