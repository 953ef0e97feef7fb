"""One Adam step against a plain C loop and against the memory's limit.

``make bench`` runs it. Each figure is a ratio of times taken in turn in one run.
"""

import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

import weightopt_core as mx

from .timing import interleaved

POINTER = ctypes.POINTER(ctypes.c_float)


def loops():
    """Compile and load ``loops.c``."""
    library = Path(tempfile.mkdtemp()) / "loops.so"
    source = Path(__file__).parent / "loops.c"
    flags = ["-O3", "-march=native", "-fno-math-errno", "-fopenmp", "-shared", "-fPIC"]
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, *flags, str(source), "-o", str(library), "-lm"], check=True)
    return ctypes.CDLL(str(library))


def contestants(size, library):
    """Return what is timed, by name, each with arrays of its own."""

    def arrays():
        rng = np.random.default_rng(0)
        made = [rng.normal(size=size).astype(np.float32) for _ in range(3)]
        return [*made, np.abs(made[0])]

    def pointers(values):
        return [value.ctypes.data_as(POINTER) for value in values]

    optimizer = mx.optimizer.create("adam")
    weight, grad, mean, var = arrays()
    plain, limit = arrays(), arrays()
    count = ctypes.c_ssize_t(size)
    numbers = [ctypes.c_float(value) for value in (1e-3, 0.9, 0.999, 1e-8)]
    plain_pointers, limit_pointers = pointers(plain), pointers(limit)
    functions = {
        "weightopt": lambda: optimizer.update(0, weight, grad, (mean, var)),
        "C loop": lambda: library.adam(count, *plain_pointers, *numbers),
        "limit": lambda: library.probe(count, *limit_pointers),
    }
    return functions, (plain, limit)


@click.command()
@click.option("--size", "sizes", multiple=True, type=int, default=(100_000, 1_000_000, 10_000_000))
@click.option("--threads", default=2, show_default=True)
@click.option("--rounds", default=21, show_default=True)
def main(sizes, threads, rounds):
    """Print the time of an Adam step over that of a plain C loop and of the memory's limit."""
    mx.set_num_threads(threads)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    library = loops()
    table = Table("weights", "step, ms", "over C loop", "quartiles", "over limit", "quartiles")
    for size in sizes:
        functions, _kept = contestants(size, library)
        times = interleaved(functions, rounds, description=f"{size:,}")
        row = [f"{size:,}", f"{times['weightopt'].median * 1e3:.3f}"]
        for other in ("C loop", "limit"):
            middle, low, high = times["weightopt"].over(times[other])
            row += [f"{middle:.2f}", f"{low:.2f} to {high:.2f}"]
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
