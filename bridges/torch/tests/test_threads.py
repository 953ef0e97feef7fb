"""Steps on the threads of torch's own OpenMP library."""

import pytest

torch = pytest.importorskip("torch")

import os
import subprocess
import sys
from pathlib import Path

import weightopt_torch

from weightopt_core import threads

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

SETUP = """
import os, sys, numpy as np, weightopt_core as wo
if {shared}:
    import torch, weightopt_torch
    torch.set_num_threads({count})
    torch.ones(10_000_000).add_(1)  # wakes torch's own
    torch.ones(10_000_000).sum()
wo.set_num_threads({count})

def stepped(steps=5):
    optimizer = wo.optimizer.create("adam")
    weight = np.linspace(-1, 1, 300_001, dtype=np.float32)
    state = optimizer.create_state(0, weight)
    for _ in range(steps):
        optimizer.update(0, weight, 2 * weight, state)
    return weight.tobytes()

def threads_here():
    return len(os.listdir("/proc/self/task"))
"""


def run(code, shared=True, count=2):
    done = subprocess.run(
        [sys.executable, "-c", SETUP.format(shared=shared, count=count) + code],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("count", [2, 3])
def test_the_bits_are_those_of_threads_of_our_own(count):
    code = "import hashlib; print(hashlib.sha256(stepped()).hexdigest())"
    assert run(code, count=count) == run(code, shared=False, count=count)


def test_torchs_threads_are_taken_and_no_others_are_started():
    code = """
before = threads_here()
stepped()
print(threads_here() - before)
"""
    assert run(code) == "0"
    assert run(code, shared=False) == "1"


def test_a_forked_child_steps_with_threads_of_its_own():
    code = """
expected = stepped()
child = os.fork()
if not child:
    os._exit(0 if stepped() == expected else 1)
assert os.waitpid(child, 0)[1] == 0
print(stepped() == expected)
"""
    assert run(code) == "True"


def test_the_path_that_is_shared_is_torchs():
    path = weightopt_torch.share_threads()
    assert path is not None
    assert "omp" in os.path.basename(path)
    assert path in Path("/proc/self/maps").read_text()


@pytest.mark.parametrize(
    "path", ["/nowhere/libgomp.so.1", "", "libc.so.6", "\0", sys.executable, "/proc/self/maps"]
)
def test_paths_that_are_none(path):
    with pytest.raises(ValueError, match="path: expected the path of an OpenMP library that is"):
        threads.use_openmp(path)


def test_what_is_no_path():
    with pytest.raises(TypeError):
        threads.use_openmp(3)


def test_threads_of_our_own_come_back():
    code = """
expected = stepped()
before = threads_here()
wo.threads.use_openmp(None)
print(stepped() == expected, threads_here() - before)
"""
    assert run(code) == "True 1"


def test_steps_from_several_threads_at_once():
    code = """
import threading
expected = stepped()
found = []
workers = [threading.Thread(target=lambda: found.append(stepped())) for _ in range(4)]
for worker in workers: worker.start()
for worker in workers: worker.join()
print(len(found), set(found) == {expected})
"""
    assert run(code) == "4 True"
