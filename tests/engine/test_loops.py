"""The loops of the core from a Cython module of somebody else, over its own buffers."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from weightopt_adam import adam
from weightopt_lamb import lamb
from weightopt_lion import lion
from weightopt_sgd import sgd
from weightopt_sgld import sgld

from weightopt_core import reductions
from weightopt_core.backends import cpu
from weightopt_core.kernels import reduction
from weightopt_core.kernels.driver import THREAD_THRESHOLD
from weightopt_core.rule import Rule
from weightopt_core.testing.arrays import same_bits, wild

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("loops")]

ROOT = Path(__file__).parents[2]
SETUP = """
from Cython.Build import cythonize
from setuptools import setup
setup(ext_modules=cythonize("stepping.pyx", include_path=[{root!r}]))
"""
COMMON = {"lr": 0.1, "wd": 0.01, "rescale_grad": 0.5, "clip_gradient": 2.0}
#: A rule for each number of states, and what it takes beside `COMMON`.
RULES = {
    sgd: {},
    lion: {"beta1": 0.9, "beta2": 0.99},
    adam: {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 3},
}
#: None, one, less than a vector, and so many that threads share them, with a rest.
LENGTHS = [0, 1, 13, 3 * THREAD_THRESHOLD + 5]
HALVES = [np.float16, ml_dtypes.bfloat16]


@pytest.fixture(scope="session")
def stepping(tmp_path_factory):
    """Return the module that tests/packages installs, built against this tree without haste."""
    folder = tmp_path_factory.mktemp("stepping")
    text = (ROOT / "tests" / "packages" / "stepping.pyx").read_text("utf-8")
    (folder / "stepping.pyx").write_text(text, "utf-8")
    (folder / "setup.py").write_text(SETUP.format(root=str(ROOT)), "utf-8")
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (library,) = {*folder.glob("stepping*.so"), *folder.glob("stepping*.pyd")}
    spec = importlib.util.spec_from_file_location("stepping", library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def kernel_of(rule):
    assert rule.compiled.kernel is not None, rule.compiled.reason
    return rule.compiled.kernel


def specification(rule, arrays, numbers):
    """Return what a rule makes of arrays, run as NumPy."""
    with np.errstate(all="ignore"):
        found = rule(*arrays, **numbers)
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_step_is_the_rule(stepping, rule, dtype, length, rng):
    numbers = COMMON | RULES[rule]
    weight, grad = wild(rng, length, dtype), wild(rng, length, dtype)
    states = abs(wild(rng, (len(rule.states), length), dtype))
    weight_after, *states_after = specification(rule, (weight, grad, *states), numbers)
    before = grad.copy()
    constants = np.array(rule.evaluate(numbers), dtype)
    stepping.step_once(kernel_of(rule), weight, grad, states, constants)
    assert same_bits(weight, weight_after)
    assert same_bits(states, np.array(states_after, dtype).reshape(states.shape))
    assert same_bits(grad, before)


@pytest.mark.parametrize("dtype", HALVES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_step_of_16_bits_is_the_rule_rounded_once(stepping, rule, dtype, rng):
    numbers, length = COMMON | RULES[rule], LENGTHS[-1]
    arrays = wild(rng, (2 + len(rule.states), length), np.float32)
    with np.errstate(over="ignore"):
        arrays = abs(arrays).astype(dtype)
    weight, grad, states = arrays[0].copy(), arrays[1].copy(), arrays[2:].copy()
    with np.errstate(all="ignore"):
        wide = [array.astype(np.float32) for array in arrays]
        after = [array.astype(dtype) for array in specification(rule, wide, numbers)]
    bits = weight.view(np.uint16), grad.view(np.uint16), states.view(np.uint16)
    constants = np.array(rule.evaluate(numbers), np.float32)
    brain = dtype is ml_dtypes.bfloat16
    stepping.step_halves_once(kernel_of(rule), brain, *bits, constants)
    for got, expected in zip([weight, *states], after, strict=True):
        assert same_bits(got, expected)


@pytest.mark.parametrize("threads", [-1, 1, 2, 1000])
def test_a_training_run_equals_numpy(stepping, threads):
    weight = np.linspace(-5, 5, LENGTHS[-1], dtype=np.float32)
    grad, states = np.empty_like(weight), np.zeros((2, weight.size), np.float32)
    expected = weight, *states.copy()
    steps = [COMMON | RULES[adam] | {"t": t, "lr": 1 / t} for t in range(1, 11)]
    constants = np.array([adam.evaluate(numbers) for numbers in steps], np.float32)
    for numbers in steps:
        expected = adam(expected[0], expected[0] - 3, *expected[1:], **numbers)
    stepping.train(kernel_of(adam), weight, grad, states, constants, threads)
    assert (weight == expected[0]).all()
    assert (states == expected[1:]).all()


def test_the_noise_of_a_rule_is_its_last_row(stepping):
    numbers, key = COMMON, (2**64 - 1, 7)
    weight, grad = np.ones(1000, np.float32), np.full(1000, 0.5, np.float32)
    noise = np.empty((1, 1000), np.float32)
    drawn = np.empty(1000, np.float32)
    cpu.fill_normal(drawn, key, 0.0, 1.0)
    (expected,) = specification(sgld, (weight, grad, drawn), numbers)
    constants = np.array(sgld.evaluate(numbers), np.float32)
    stepping.noisy_step(kernel_of(sgld), weight, grad, noise, constants, *key)
    assert (noise[0] == drawn).all()
    assert (weight == expected).all()


def wrong(**changed):
    """Return arguments of a step of Adam over 10 elements, all right but those in `changed`."""
    right = {
        "weight": np.ones(10, np.float32),
        "grad": np.ones(10, np.float32),
        "states": np.zeros((2, 10), np.float32),
        "constants": np.array(adam.evaluate(COMMON | RULES[adam]), np.float32),
    }
    return right | changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weight": np.ones(9, np.float32)}, "grad: expected 9 elements, as weight has, got 10"),
        ({"weight": np.ones(0, np.float32)}, "grad: expected 0 elements"),
        ({"grad": np.ones(11, np.float32)}, "grad: expected 10 elements, as weight has, got 11"),
        ({"states": np.zeros((1, 10), np.float32)}, "states: expected 2 rows, got 1"),
        ({"states": np.zeros((3, 10), np.float32)}, "states: expected 2 rows, got 3"),
        ({"states": np.zeros((2, 9), np.float32)}, "states: expected rows of 10 elements, got 9"),
        ({"states": None}, "states: expected 2 rows, got 0"),
        ({"grad": None}, "grad: expected 10 elements, as weight has, got 0"),
        ({"constants": np.ones(3, np.float32)}, "constants: expected"),
        ({"constants": None}, "constants: expected"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(stepping, changed, message):
    arguments = wrong(**changed)
    before = {name: None if a is None else a.copy() for name, a in arguments.items()}
    with pytest.raises(ValueError, match=message):
        stepping.step_once(kernel_of(adam), *arguments.values())
    for name, array in arguments.items():
        assert array is None or same_bits(array, before[name])


def test_buffers_that_overlap_are_refused(stepping):
    memory = np.zeros(64, np.float32)
    arrays = {"weight": memory[:10], "grad": memory[10:20], "states": memory[20:40].reshape(2, 10)}
    stepping.step_once(kernel_of(adam), *wrong(**arrays).values())
    before = memory.copy()
    overlaps = {
        "grad": memory[9:19],
        "weight": memory[30:40],
        "states": memory[19:39].reshape(2, 10),
    }
    for name, array in overlaps.items():
        with pytest.raises(ValueError, match="expected buffers apart, got an overlap"):
            stepping.step_once(kernel_of(adam), *wrong(**arrays | {name: array}).values())
    assert same_bits(memory, before)


def test_buffers_of_another_kind_are_refused(stepping):
    spoilt = np.ones(10, np.float32)
    spoilt.flags.writeable = False
    for name, array in {
        "weight": spoilt,
        "grad": np.ones(20, np.float32)[::2],
        "states": np.zeros((10, 2), np.float32).T,
        "constants": np.ones(9),
    }.items():
        with pytest.raises(ValueError, match=r"contiguous|mismatch|read-only"):
            stepping.step_once(kernel_of(adam), *wrong(**{name: array}).values())


def test_kernels_without_a_loop_are_refused(stepping):
    @Rule
    def plain(weight, grad, *, lr):
        return weight - lr * grad

    for kernel in (plain.compiled.kernel, adam, "adam"):
        with pytest.raises(TypeError, match=r"kernel: expected that of a compiled rule, got"):
            stepping.step_once(kernel, *wrong().values())
    with pytest.raises(ValueError, match="without reductions; step it by an optimizer"):
        stepping.step_once(kernel_of(lamb), *wrong().values())


@pytest.mark.parametrize("dtype", HALVES, ids=lambda dtype: dtype.__name__)
def test_casts_of_all_16_bit_numbers(stepping, dtype):
    bits = np.arange(1 << 16).astype(np.uint16)
    out, between = np.empty_like(bits), np.empty(bits.size, np.float32)
    stepping.cast(out, between, bits, dtype is ml_dtypes.bfloat16)
    with np.errstate(invalid="ignore"):  # ml_dtypes raises a flag for each NaN
        assert same_bits(between, bits.view(dtype).astype(np.float32))
        assert same_bits(out.view(dtype), bits.view(dtype))
    for wrong_size in (bits[:-1], bits[:0]):
        with pytest.raises(ValueError, match="out: expected"):
            stepping.cast(out, between, wrong_size, False)
        with pytest.raises(ValueError, match="out: expected"):
            stepping.cast(wrong_size, between, bits, False)


def test_sums_of_squares_are_those_of_norms(stepping, rng):
    for dtype in (np.float32, np.float64, *HALVES):
        values = rng.standard_normal(10_000).astype(dtype)
        given = values.view(np.uint16) if dtype in HALVES else values
        out = np.empty(3)
        stepping.sums(given, dtype is ml_dtypes.bfloat16, 2.0, out)
        assert (out == reductions.chunks_of(values, reduction.SQUARES, 2.0)).all()
        for size in (2, 4):
            with pytest.raises(ValueError, match=f"chunks: expected one for each 4096.*got {size}"):
                stepping.sums(given, False, 1.0, np.empty(size))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniform_numbers_are_those_of_initializers(stepping, dtype):
    out, expected = np.empty((2, LENGTHS[-1]), dtype)
    stepping.uniform(out, 5, 6, 0, -0.5, 0.5)
    cpu.fill_uniform(expected, (5, 6), -0.5, 0.5)
    assert (out == expected).all()
    stepping.uniform(out[:10], 5, 6, 7, -0.5, 0.5)
    assert (out[:10] == expected[7:17]).all()


def test_what_the_header_says_is_what_modules_have():
    """All that `loops.pxd` lists is used here, so none of it is untested."""
    text = (ROOT / "weightopt_core" / "kernels" / "loops.pxd").read_text("utf-8")
    used = (ROOT / "tests" / "packages" / "stepping.pyx").read_text("utf-8")
    offered = set(re.findall(r"^cdef (?:int|Loop) (\w+)\(", text, re.M))
    for names in re.findall(r"^from \.(?:random_fill|reduction) cimport (.*)", text, re.M):
        offered |= set(names.split(", "))
    assert len(offered) >= 8
    assert {name for name in offered if not re.search(rf"\b{name}\(", used)} == set()
