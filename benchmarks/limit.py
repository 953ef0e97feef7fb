"""The memory's limit: a C loop with the reads and in-place writes of a step, and no arithmetic."""

import ctypes
import functools
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from .contestant import Contestant
from .project import DTYPES

#: Bytes of weights that one thread has touched before another one has begun.
SHORT = 100_000
FLAGS = ["-O3", "-march=native", "-pthread", "-shared", "-fPIC"]


@functools.cache
def library():
    """Compile ``limit.c`` for this machine and load it."""
    source = Path(__file__).with_name("limit.c")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "limit.so"
        command = [os.environ.get("CC", "cc"), *FLAGS, str(source), "-o", str(target)]
        subprocess.run(command, check=True)
        loaded = ctypes.CDLL(str(target))
    sizes, pointers = ctypes.POINTER(ctypes.c_ssize_t), ctypes.POINTER(ctypes.c_void_p)
    integers = [ctypes.c_int] * 3
    loaded.limit.argtypes = [ctypes.c_ssize_t, sizes, pointers, ctypes.c_ssize_t, *integers]
    loaded.limit.restype = None
    return loaded


class Limit(Contestant):
    """The weight, the gradient and as many states as the algorithm has, touched once each."""

    name = "limit"
    dtypes = DTYPES
    threads = 1

    def load(self):
        library()

    def set_threads(self, threads):
        self.threads = threads

    def step(self, weights, grads, algorithm):
        count = algorithm.states
        states = [[np.zeros_like(weight) for _ in range(count)] for weight in weights]
        rows = [[grad, weight, *own] for grad, weight, own in zip(grads, weights, states)]
        addresses = [array.ctypes.data for row in rows for array in row]
        bytes_ = [weight.nbytes for weight in weights]
        sizes = (ctypes.c_ssize_t * len(bytes_))(*bytes_)
        pointers = (ctypes.c_void_p * len(addresses))(*addresses)
        size = sum(bytes_)
        arguments = len(weights), sizes, pointers, size, 1 + count
        function = library().limit

        def run(mask=0, arrays=rows):  # the addresses are valid while the arrays live
            function(*arguments, self.threads if size > SHORT else 1, mask)
            return weights

        return run
