"""Rules over 16-bit arrays, compiled for each set of instructions that a processor may have."""

import ctypes
import platform
import shutil
import subprocess

import ml_dtypes
import numpy as np
import pytest
from numpy_step import run_in_slices
from rule_constants import constants_of

import weightopt_core as mx
from weightopt_core.build import COMPILE_ARGS
from weightopt_core.rule.source import header_text
from weightopt_core.testing.arrays import same_bits

CC = shutil.which("cc")
#: What a processor has at most, and what the loops are compiled for then.
LEVELS = {"avx512": 2, "avx2": 1, "baseline": 0}
NEEDED = {
    "avx512": {"avx512f", "avx512cd", "avx512vl", "avx512bw", "avx512dq"},
    "avx2": {"avx2", "f16c"},
}
NUMBERS = {"keep": 0.9, "lr": 0.7, "shift": -1.3}
EXPORTS = """
#include "rules.h"
#if !defined(HAS_CLONES)
enum { clone_level };
#endif
int level(void) { return clone_level; }
void float16(ptrdiff_t n, void **arrays, void *k) { rule_0_float16(n, arrays, k); }
void bfloat16(ptrdiff_t n, void **arrays, void *k) { rule_0_bfloat16(n, arrays, k); }
"""

pytestmark = [
    pytest.mark.skipif(CC is None, reason="no C compiler called cc"),
    pytest.mark.skipif(platform.system() == "Windows", reason="for GCC and Clang"),
]


@mx.update_rule
def decay(weight, grad, average, *, keep, lr, shift):
    average = keep * average + (shift - keep) * grad
    return weight - lr * average / (abs(grad) + shift), average


def has(level):
    """Whether this processor has the instructions."""
    if level not in NEEDED:
        return True
    try:
        with open("/proc/cpuinfo") as file:
            return NEEDED[level] <= set(file.read().split())
    except OSError:
        return False


@pytest.fixture(scope="module", params=LEVELS)
def library(request, tmp_path_factory):
    """The rule, compiled and loaded, where the processor has just the instructions of a level."""
    if not has(request.param):
        pytest.skip(f"the processor has no {request.param}")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "rules.h").write_text(header_text("tests", [decay]))
    (folder / "rules.c").write_text(EXPORTS)
    level = f"-DWEIGHTOPT_LEVEL={LEVELS[request.param]}"
    command = [CC, *COMPILE_ARGS, level, "-fPIC", "-shared", "rules.c", "-o", "rules.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "rules.so"))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16], ids=["float16", "bfloat16"])
@pytest.mark.parametrize("length", [1, 63, 64, 65, 1000])
def test_same_bits_as_numpy(library, dtype, length, wild):
    arrays = [wild(length + 2, dtype) for _ in range(3)]
    expected = [array.copy() for array in arrays]
    run_in_slices(decay, [array[1:-1] for array in expected], NUMBERS)
    pointers = (ctypes.c_void_p * 3)(*[array[1:-1].ctypes.data for array in arrays])
    constants = constants_of(decay, NUMBERS).astype(np.float32)
    getattr(library, np.dtype(dtype).name)(
        ctypes.c_ssize_t(length), pointers, ctypes.c_void_p(constants.ctypes.data)
    )
    for got, wanted in zip(arrays, expected, strict=True):
        assert same_bits(got, wanted)


def test_the_loops_are_those_of_the_level(library, request):
    level = request.node.callspec.params["library"]
    assert library.level() == LEVELS[level]
