"""The floating-point environment of the caller counts on every thread."""

import contextlib
import ctypes
import ctypes.util
import platform
import sys

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.rule import largest, mean, total

#: Where a `fenv_t` of glibc has the control of vectors, and its bits. The flag of a division by
#: zero, and those of invalid operations, divisions by zero and overflows.
MACHINES = {
    "x86_64": {
        "word": 7,
        "divided": 0x04,
        "flags": 0x0D,
        "up": 0x4000,
        "down": 0x2000,
        "zero": 0x6000,
        "flush": 0x8040,
    },
    "aarch64": {
        "word": 0,
        "divided": 0x02,
        "flags": 0x07,
        "up": 1 << 22,
        "down": 1 << 23,
        "zero": 3 << 22,
        "flush": 1 << 24,
    },
}
MACHINE = MACHINES.get(platform.machine(), {}) if sys.platform == "linux" else {}
KINDS = ["up", "down", "zero", "flush"]
SIZE = 1 << 18

pytestmark = pytest.mark.skipif(not MACHINE, reason="knows the environment of Linux alone")


def library():
    return ctypes.CDLL(ctypes.util.find_library("m"))


@contextlib.contextmanager
def computing(kind):
    """Let the calling thread round in another way, or flush denormal numbers to zero."""
    before, changed = ((ctypes.c_uint32 * 8)() for _ in range(2))
    assert library().fegetenv(before) == 0
    ctypes.memmove(changed, before, ctypes.sizeof(before))
    changed[MACHINE["word"]] |= MACHINE[kind]
    library().fesetenv(changed)
    try:
        yield
    finally:
        library().fesetenv(before)


@pytest.fixture(autouse=True)
def helpers():
    """Let the helpers be there before the environment changes."""
    mx.set_num_threads(3)
    mx.init.create("normal", seed=1)("a_weight", np.empty(SIZE, np.float32))
    yield
    mx.set_num_threads(None)


def values(dtype, seed):
    """Return numbers half of which are denormal, or become it."""
    rng = np.random.default_rng(seed)
    tiny = float(np.float32(1e-38)) if np.dtype(dtype).itemsize < 8 else 1e-307
    if dtype == "float16":
        tiny = 1e-6
    scale = np.where(rng.random(SIZE) < 0.5, 1.0, tiny)
    return (rng.uniform(-1, 1, SIZE) * scale).astype(dtype)


def stepped(name, dtype, **options):
    """Return what runs some steps, and returns the bytes of weight and states."""
    mx.random.seed(0)
    optimizer = mx.optimizer.create(name, learning_rate=0.1, **options)
    weight, grad = values(dtype, 1), values(dtype, 2)
    state = optimizer.create_state("w", weight)

    def run():
        for _ in range(4):
            optimizer.update("w", weight, grad, state)
        states = state if isinstance(state, tuple) else (state,)
        return [array.tobytes() for array in (weight, *states) if array is not None]

    return run


def filled(name, dtype, scale=1.1e-38):
    array = np.empty(SIZE, dtype)
    initializer = mx.init.create(name, scale, seed=3)

    def run():
        initializer("a_weight", array)
        return [array.tobytes()]

    return run


def normed(dtype):
    arrays = [values(dtype, seed) for seed in range(4)]
    return lambda: [mx.optimizer.global_norm([array]).hex() for array in arrays]


def reduced(dtype):
    arrays = [values(dtype, seed) for seed in range(4)]
    return lambda: [of(array).hex() for array in arrays for of in (total, mean, largest)]


WORK = {
    "sgd": lambda: stepped("sgd", "float32", momentum=0.9, wd=0.01),
    "sgd of float64": lambda: stepped("sgd", "float64", momentum=0.9, wd=0.01),
    "adam": lambda: stepped("adam", "float32"),
    "adam of float16": lambda: stepped("adam", "float16"),
    "master copies": lambda: stepped("adam", "float16", multi_precision=True),
    "rounded states": lambda: stepped("adam", "float32", state_dtype="bfloat16"),
    "states in 8 bits": lambda: stepped("adam", "float32", state_dtype="int8"),
    "ftrl": lambda: stepped("ftrl", "float32"),
    "noise": lambda: stepped("sgld", "float32", seed=5),
    "norms of a rule": lambda: stepped("lamb", "float32", wd=0.01),
    "uniform": lambda: filled("uniform", "float32"),
    "normal": lambda: filled("normal", "float32"),
    "normal of float64": lambda: filled("normal", "float64"),
    "normal of float16": lambda: filled("normal", "float16", 1.0),
    "norm": lambda: normed("float32"),
    "norm of float64": lambda: normed("float64"),
    "totals and the like": lambda: reduced("float32"),
    "totals and the like of float64": lambda: reduced("float64"),
}
#: Work in which flushing shows nothing, for the numbers are too large, or are added to larger ones.
LARGE = {
    "adam of float16",
    "master copies",
    "noise",
    "normal of float64",
    "normal of float16",
    "norm",
    "norm of float64",
    "totals and the like",
    "totals and the like of float64",
}


#: All work with numbers flushed, and rounded in one of the ways, in turn.
PRODUCT = [
    pytest.param(work, kind, marks=[] if kind in ("flush", KINDS[at % 3]) else pytest.mark.soak)
    for at, work in enumerate(WORK)
    for kind in KINDS
]


@pytest.mark.parametrize(("work", "kind"), PRODUCT)
def test_bits_do_not_depend_on_threads(work, kind):
    results = []
    for threads in (1, 2, 3, 2, 3):
        mx.set_num_threads(threads)
        run = WORK[work]()
        with computing(kind):
            results.append(run())
    assert all(result == results[0] for result in results)
    same = kind == "flush" and work in LARGE
    assert (WORK[work]()() == results[0]) == same


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_default_environment_comes_back(threads):
    mx.set_num_threads(threads)
    expected = WORK["adam"]()()
    for kind in KINDS:
        run = WORK["adam"]()
        with computing(kind):
            run()
        assert WORK["adam"]()() == expected


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_flags_are_those_of_before(threads):
    mx.set_num_threads(threads)
    sgd = mx.optimizer.create("sgd", learning_rate=1e38)
    weight, grad = np.zeros(SIZE, np.float32), np.full(SIZE, 1e30, np.float32)
    flags = MACHINE["flags"]
    for before in (0, MACHINE["divided"]):
        with computing("up"):
            library().feclearexcept(flags)
            library().feraiseexcept(before)
            sgd.update(0, weight, grad, None)
            after = library().fetestexcept(flags)
        assert np.isinf(weight).all()
        assert after == before
