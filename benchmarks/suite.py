"""Run the cases of a plan: steps timed in turn, as ratios to the project's own."""

import gc
import os
import warnings

import numpy as np

from . import plan, workloads
from .limit import Limit
from .project import OneByOne, RoundedStates, Updater, WeightOpt
from .timing import interleaved

OURS = WeightOpt()
LIMIT = Limit()
#: Above so many weights a tensor, what a call costs is nothing beside the step.
SMALL = 10_000
#: Where states in bfloat16 are compared with those of the weight's dtype.
ROUNDED = plan.OUT_OF_CACHE, "float32", plan.LEADER


def measure(cases, algorithms, peers, rounds, advance=lambda text: None):
    """Return a row of results for each case and number of threads.

    Parameters
    ----------
    cases : list of benchmarks.plan.Case
        Those of one workload share its arrays if they are together.
    algorithms : dict of str to benchmarks.algorithms.Algorithm
        By name.
    peers : list of benchmarks.contestant.Contestant
        Those that are available.
    rounds : int
        How often each step is timed.
    advance : callable, optional
        Called with the name of each case before it.
    """
    rows = []
    kept = None
    for case in cases:
        advance(f"{case.workload.name} {case.dtype} {case.algorithm}")
        if kept != (case.workload.name, case.dtype):
            kept = case.workload.name, case.dtype
            dtype = workloads.dtype(case.dtype)
            weights = grads = None  # the old ones go before the new ones come
            weights = workloads.arrays(case.workload.shapes, dtype, 0)
            grads = workloads.arrays(case.workload.shapes, dtype, 1)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows += _case(case, algorithms[case.algorithm], peers, (weights, grads), rounds)
        gc.collect()
    return rows


def contestants(case, peers):
    """Return those that take part in a case, other ways of the project among them."""
    tensors = len(case.workload.shapes)
    found = [OURS, LIMIT]
    if case.against:
        small = tensors > 1 and case.workload.weights / tensors < SMALL
        found += [Updater(), OneByOne()] if small else []
        if (case.workload.name, case.dtype, case.algorithm) == ROUNDED:
            found += [RoundedStates("bfloat16"), RoundedStates("int8")]
        found += [peer for peer in peers if peer.takes(case.algorithm, case.dtype, tensors)]
    return found


def _case(case, algorithm, peers, arrays, rounds):
    found = contestants(case, peers)
    steps = {each: each.step(*arrays, algorithm) for each in found}
    rows = []
    for threads in case.threads:
        present = found if threads in case.against else [OURS, LIMIT]
        present = [each for each in present if each.any_threads or threads == os.cpu_count()]
        for each in present:
            each.set_threads(threads)
        functions = {each.name: steps[each] for each in present}
        times = interleaved(functions, rounds, settle=len(present) > 2)
        rows.append(
            {
                "workload": case.workload.name,
                "weights": case.workload.weights,
                "tensors": len(case.workload.shapes),
                "dtype": case.dtype,
                "threads": threads,
                "algorithm": case.algorithm,
                "times": summary(times, OURS.name),
            }
        )
    return rows


def summary(times, reference):
    """Return the quartiles of each one's milliseconds, and of its time over the reference's."""
    return {
        name: {
            "ms": rounded(1e3 * value for value in each.quartiles),
            "ratio": rounded(each.over(times[reference])),
        }
        for name, each in times.items()
    }


def rounded(values):
    """Return numbers with the four digits that a measurement may have."""
    return [float(f"{value:.4g}") for value in values]
