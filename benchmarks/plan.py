"""Which steps are measured, and against whom."""

from dataclasses import dataclass

from .workloads import Workload, workload

#: Tables have a column for each of these.
SINGLE = ("1e5", "1e6", "1e7", "6.4e7")
LISTS = ("resnet50", "gpt2", "1000x1000", "10000x100")
#: What shows how the time grows with the size, and with the number of tensors.
CURVES = ("1e2", "1e3", "1e4", "10x100", "100x100", "1000x100")
#: With Adam's states more than the caches hold, in every dtype.
OUT_OF_CACHE = "1e7"
DTYPES = ("float16", "bfloat16", "float64")
#: Peers take part for `LEADER` everywhere, for others and on one thread where it tells most.
LEADER = "adam"
COMPARED = ("sgd-momentum", "rmsprop")
COMPARED_ON = ("1e5", "1e7", "resnet50", "10000x100")


@dataclass(frozen=True)
class Case:
    """One algorithm on one list of tensors, for each number of threads."""

    workload: Workload
    dtype: str
    algorithm: str
    threads: tuple[int, ...]
    #: Numbers of threads with which peers take part.
    against: tuple[int, ...]


def cases(algorithms, workloads, dtypes, threads):
    """Return the cases, those of one workload and dtype together."""
    most = max(threads)
    found = [
        Case(workload(name), "float32", algorithm, *_threads(name, algorithm, threads))
        for name in workloads
        for algorithm in algorithms
        if name not in CURVES or algorithm == LEADER
    ]
    return found + [
        Case(workload(OUT_OF_CACHE), dtype, algorithm, (most,), (most,) * (algorithm == LEADER))
        for dtype in dtypes
        for algorithm in algorithms
    ]


def _threads(name, algorithm, threads):
    """Return the numbers of threads, and those with which peers take part."""
    most = (max(threads),)
    # The largest list takes the longest, and a single thread tells nothing new there.
    used = most if name in CURVES or name == "gpt2" else threads
    if algorithm == LEADER:
        return used, used if name in COMPARED_ON else most
    if name == OUT_OF_CACHE or (algorithm in COMPARED and name in COMPARED_ON):
        return used, most
    return used, ()
