"""Oclgrind, which simulates a device, finds no fault in how the kernels use memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

cl = pytest.importorskip("pyopencl")

TESTS = Path(__file__).parent
CHOSEN = "adam or lamb or sgld or draws or launch or normal"
FAULTS = ("Invalid", "data race", "ninitialized", "FATAL")
ENVIRONMENT = {
    "WEIGHTOPT_TEST_OPENCL": "Oclgrind",
    "PYOPENCL_NO_CACHE": "1",
    "OCLGRIND_DATA_RACES": "1",
    "OCLGRIND_UNINITIALIZED": "1",
    # For oclgrind_memory.
    "PYTHONPATH": str(TESTS.parent),
}
#: Reads what nothing has been written to, and beyond it.
FAULTY = """
import oclgrind_memory
import numpy as np
import pyopencl as cl
from devices import QUEUES
(queue,) = QUEUES
text = "__kernel void faulty(__global float *x, ulong at) { x[0] = 2 * x[at]; }"
memory = cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, 8)
cl.enqueue_copy(queue, memory, np.ones(1, np.float32))
run = cl.Program(queue.context, text).build().faulty
for at in range(3):
    print("reading", at, flush=True)
    run(queue, (1,), None, memory, np.uint64(at)).wait()
"""


def is_present():
    try:
        return any(platform.name == "Oclgrind" for platform in cl.get_platforms())
    except cl.Error:
        return False


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_present(), reason='no Oclgrind; pip install "pyopencl[oclgrind]"'),
]


def run(*arguments):
    """Run Python under Oclgrind's checks; return what was printed, and what Oclgrind reports."""
    command = [sys.executable, *map(str, arguments)]
    environment = os.environ | ENVIRONMENT
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, done.stderr


def test_no_fault_is_reported():
    plugins = ["-p", "no:xdist", "-p", "oclgrind_memory"]
    printed, reports = run("-m", "pytest", "-qs", *plugins, TESTS / "test_opencl.py", "-k", CHOSEN)
    assert " passed" in printed
    assert not any(fault in reports for fault in FAULTS), reports[:2000]


def test_faults_are_reported():
    _, reports = run("-c", FAULTY)
    # What is read beyond a buffer is uninitialised too.
    assert reports.count("Uninitialized value written") == 2
    assert reports.count("Invalid read") == 1
