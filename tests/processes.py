"""Steps in this process, and in fresh ones."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import weightopt_core as mx

SETUP = f"""
import os, signal, sys, time, numpy as np, weightopt_core as mx
sys.path.append({str(Path(__file__).parent)!r})
from processes import field, stepped, tasks
"""
#: Python 3.12 and later warn of it, whatever the threads do.
FORKED = "ignore:This process:DeprecationWarning"


def fresh_process(code, seconds=120, **environment):
    """Return what a program prints last in a process of its own, or the last line of its error."""
    # Threads of NumPy's own would take signals, and count as helpers.
    env = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"} | environment
    done = subprocess.run(
        [sys.executable, "-W", FORKED, "-c", f"{SETUP}\n{code}"],
        env=env,
        text=True,
        capture_output=True,
        check=False,
        timeout=seconds,
    )
    return (done.stderr or done.stdout).strip().splitlines()[-1]


def stepped(size, steps=5):
    optimizer = mx.optimizer.create("adam")
    weight = np.linspace(-1, 1, size, dtype=np.float32)
    state = optimizer.create_state(0, weight)
    for _ in range(steps):
        optimizer.update(0, weight, weight.copy(), state)
    return weight


def tasks():
    """Return the files about the threads of this process, on Linux."""
    return [f"/proc/self/task/{task}/status" for task in os.listdir("/proc/self/task")]


def field(path, name):
    """Return a field of such a file, or the first whose name begins so."""
    lines = Path(path).read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(name))
