"""Norms in rules: what they are, what is refused, and the same bits compiled and on NumPy."""

import importlib
import math
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import reducing_rules
from numpy_step import run_in_slices
from pairs import DTYPES, Pair, numbers_of
from written_rules import HEADER, load

import weightopt_core as mx
from weightopt_core import RuleError
from weightopt_core.kernels.driver import THREAD_THRESHOLD
from weightopt_core.reductions import LARGEST, MEAN, NORM, TOTAL
from weightopt_core.rule import largest, mean, norm, total
from weightopt_core.testing.arrays import same_bits

SETUP = "from setuptools import setup\nfrom weightopt_core.build import compiled_rules\n"
NAMES = [rule.name for rule in reducing_rules.RULES]
SIZES = [0, 1, 15, 1025, 4096, 2 * 4096 + 17, THREAD_THRESHOLD + 5000]
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """Return the rules of `reducing_rules`, compiled, by name."""
    folder = tmp_path_factory.mktemp("normed")
    (folder / "normed").mkdir()
    shutil.copy(Path(reducing_rules.__file__), folder / "normed" / "__init__.py")
    (folder / "setup.py").write_text(f"{SETUP}setup(name='normed', **compiled_rules())\n")
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    sys.path.insert(0, str(folder))
    try:
        rules = importlib.import_module("normed").RULES
        assert all(rule.compiled.kernel is not None for rule in rules)
    finally:
        sys.path.remove(str(folder))
    return {rule.name: rule for rule in rules}


def optimizer_of(rule, **given):
    return type("Normed", (mx.Optimizer,), {"rule": rule})(**given)


@each_dtype
@pytest.mark.parametrize("shape", [(0,), (), (7,), (3, 5), (100_003,)])
def test_norm_is_that_of_all_elements(shape, dtype, rng):
    array = np.asarray(rng.normal(size=shape), dtype)
    exact = math.sqrt(math.fsum(float(x) ** 2 for x in array.ravel()))
    assert norm(array) == mx.optimizer.global_norm([array]) == pytest.approx(exact, rel=1e-14)
    assert type(norm(array)) is float
    assert norm(array[()]) == norm(array)
    assert norm(array.T) == pytest.approx(exact, rel=1e-14)


def test_norm_of_what_is_not_finite():
    assert norm(np.array([1.0, np.inf])) == math.inf
    assert math.isnan(norm(np.array([np.inf, np.nan])))
    assert math.isnan(norm(np.repeat([1e154, 1e154, np.nan], 4096)))
    # The norm itself is beyond double.
    assert norm(np.full(4, 1.7e308)) == math.inf


RANGES = {
    "chunks fit, their sum does not": np.full(3 * 4096, 1.2e154 / 64),
    "squares too large": np.array([3e155, -4e155]),
    "largest": np.array([np.finfo(float).max, 0.0, 5e-324]),
    "squares too small": np.repeat([3e-170, 4e-170], 5000),
    "least": np.array([5e-324, 0.0]),
    "denormal squares": np.linspace(1e-161, 2e-161, 9000),
    "far apart": np.array([1e-320, 1e300]),
    "nothing": np.zeros(5),
}


@pytest.mark.parametrize("values", RANGES.values(), ids=RANGES)
def test_norm_of_what_is_finite_is_finite_and_right(values):
    whole = [Fraction(float(x)) ** 2 for x in values]
    exact = float(Fraction(math.isqrt(int(sum(whole) * 4**1200)), 2**1200))
    assert norm(values) == mx.optimizer.global_norm([values])
    assert norm(values) == pytest.approx(exact, rel=1e-14, abs=0)


@each_dtype
@pytest.mark.parametrize("shape", [(0,), (), (1,), (7,), (3, 5), (4096,), (4097,), (100_003,)])
def test_others_are_of_all_elements(shape, dtype, rng):
    array = np.asarray(rng.normal(size=shape), dtype)
    values = [float(x) for x in array.ravel()]
    exact, bound = math.fsum(values), 1e-13 * math.fsum(map(abs, values))
    assert total(array) == pytest.approx(exact, rel=0, abs=bound)
    assert mean(array) == (total(array) / len(values) if values else 0.0)
    assert largest(array) == max(map(abs, values), default=0.0)
    assert {type(function(array)) for function in (total, mean, largest)} == {float}


def test_totals_add_in_the_order_of_norms(rng):
    """The chunks of a total of squares are those of a norm: 16 running sums, then halves."""
    values = rng.normal(size=2 * 4096 + 17)
    parts = []
    for chunk in (values[:4096], values[4096:8192], values[8192:]):
        lanes = np.zeros(16)
        for row in np.resize(
            np.append(chunk, np.zeros(-chunk.size % 16)), (-(-chunk.size // 16), 16)
        ):
            lanes = lanes + row
        while lanes.size > 1:
            lanes = lanes[: lanes.size // 2] + lanes[lanes.size // 2 :]
        parts.append(lanes[0])
    assert total(values) == math.fsum(parts)
    assert norm(values) == math.sqrt(total(values * values))


@pytest.mark.parametrize("of", [NORM, TOTAL, MEAN, LARGEST], ids=lambda one: one.name)
def test_results_of_parts_merge_to_that_of_all(of, rng):
    values = rng.normal(size=1000)
    parts = np.split(values, [10, 10, 700])
    results, counts = [of.of(part) for part in parts], [part.size for part in parts]
    exact = of.of(values)
    assert of.merge(results, counts) == pytest.approx(
        exact, rel=0, abs=1e-13 * np.abs(values).sum()
    )
    assert math.isnan(of.merge([*results, math.nan], [*counts, 1]))
    assert of.merge([of.of(values[:0])] * 2, [0, 0]) == 0.0


HUGE = np.finfo(float).max
NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("values", "sums", "means", "magnitude"),
    [
        ([1.0, INF], INF, INF, INF),
        ([1.0, -INF], -INF, -INF, INF),
        ([INF, -INF], NAN, NAN, INF),
        ([INF, NAN, 1.0], NAN, NAN, NAN),
        ([NAN] + [1.0] * 9000, NAN, NAN, NAN),
        ([1.0] * 9000 + [NAN], NAN, NAN, NAN),
        ([-0.0, -0.0], 0.0, 0.0, 0.0),
        ([HUGE, HUGE, -HUGE], HUGE, HUGE / 3, HUGE),
        # The sums of two chunks are infinite, with different signs.
        ([HUGE] * 4096 + [-HUGE] * 4096, 0.0, 0.0, HUGE),
        ([HUGE] * 4096 + [-HUGE] * 4094, INF, HUGE / 4095, HUGE),
        ([HUGE] * 8, INF, HUGE, HUGE),
        ([5e-324] * 4, 2e-323, 5e-324, 5e-324),
    ],
)
def test_others_at_the_ends_of_the_range(values, sums, means, magnitude):
    array = np.array(values)
    for function, expected in ((total, sums), (mean, means), (largest, magnitude)):
        assert same_bits(np.array(function(array)), np.array(expected))


@pytest.mark.parametrize("power", [-1000, -600, -500, 500, 900])
def test_norm_of_numbers_times_a_power_of_two(power, rng):
    """No digit changes where no square lost one."""
    values = rng.normal(size=9001)
    assert norm(np.ldexp(values, power)) == math.ldexp(norm(values), power)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1e160, 1e-170, 1e300, 1e-310])
def test_rules_at_the_ends_of_the_range(compiled, name, size, rng):
    """Each norm is measured again by itself: others of the rule and of the call are in range."""
    runs = []
    for rule in (compiled[name], getattr(reducing_rules, name)):
        rng = np.random.default_rng(5)
        updater = mx.optimizer.get_updater(optimizer_of(rule))
        weights = [rng.normal(size=n) * factor for n, factor in ((5000, 1), (300, size), (7, 1))]
        for _ in range(3):
            grads = [
                rng.normal(size=w.size) * f for w, f in zip(weights, (size, 1, 1), strict=True)
            ]
            updater([0, 1, 2], grads, weights)
        runs.append(weights)
    assert all(same_bits(*both) for both in zip(*runs, strict=True))
    assert all(np.isfinite(weight).all() for weight in runs[0])


@pytest.mark.parametrize("number", [3, 2.0])
@pytest.mark.parametrize("function", [norm, total, mean, largest])
def test_reductions_of_a_number(function, number):
    with pytest.raises(TypeError, match=f"{function.__name__}: expected an array"):
        function(number)


@each_dtype
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("master", [False, True])
def test_compiled_equals_numpy(compiled, name, size, dtype, master, rng):
    optimizer = optimizer_of(compiled[name], wd=0.01, multi_precision=master)
    pair = Pair(optimizer, rng.normal(size=size).astype(dtype))
    blocks = [array.copy() for array in pair.arrays]
    states = len(optimizer.rule.states)
    copied = master and np.dtype(dtype).itemsize == 2
    for t in range(1, 4):
        grad = rng.normal(size=size).astype(dtype)
        pair.step(grad, t)
        order = [blocks[-1], grad, *blocks[1 : states + 1], blocks[0]]
        order = order if copied else [blocks[0], grad, *blocks[1:]]
        run_in_slices(optimizer.rule, order, numbers_of(optimizer, t))
    pair.assert_equal()
    assert all(same_bits(*both) for both in zip(pair.arrays, blocks, strict=True))


@pytest.mark.parametrize("name", NAMES[1:])
def test_special_values(compiled, name, wild, dtype):
    pair = Pair(optimizer_of(compiled[name]), wild(9000, dtype))
    with np.errstate(all="ignore"):
        for t in (1, 2):
            grad = wild(9000, dtype)
            grad[np.isnan(grad)] = 0.0  # `clip` refuses a bound that is NaN
            pair.step(grad, t)
    pair.assert_equal()


@each_dtype
@pytest.mark.parametrize("name", NAMES)
def test_threads_do_not_matter(compiled, name, dtype, rng):
    weight, grad = rng.normal(size=(2, 5 * THREAD_THRESHOLD + 3)).astype(dtype)
    results = []
    for count in (1, 2, 7):
        mx.set_num_threads(count)
        optimizer, copy = optimizer_of(compiled[name]), weight.copy()
        optimizer.update(0, copy, grad, optimizer.create_state(0, copy))
        results.append(copy)
    mx.set_num_threads(None)
    assert same_bits(results[0], results[1])
    assert same_bits(results[0], results[2])


def many(rng):
    """Return weights or gradients of several shapes and dtypes."""
    shapes = [(3,), (), (0,), (5000,), (7, 5), (70_001,), (4096,)]
    dtypes = ["f4", "f8", "f4", "f2", "f4", "f4", ml_dtypes.bfloat16]
    return [np.asarray(rng.normal(size=s), d) for s, d in zip(shapes, dtypes, strict=True)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("master", [False, True])
def test_each_tensor_has_norms_of_its_own(compiled, name, master):
    runs = []
    for rule in (compiled[name], getattr(reducing_rules, name)):
        for together in (True, False):
            rng = np.random.default_rng(5)
            updater = mx.optimizer.get_updater(optimizer_of(rule, multi_precision=master))
            weights = many(rng)
            for _ in range(3):
                grads = many(rng)
                if together:
                    updater(list(range(len(weights))), grads, weights)
                else:
                    for index in range(len(weights)):
                        updater(index, grads[index], weights[index])
            runs.append(weights)
    for other in runs[1:]:
        assert all(same_bits(*both) for both in zip(runs[0], other, strict=True))


def test_a_number_that_cannot_be_formed_changes_nothing(compiled):
    """The norms of all tensors are known before any of them is written to."""
    optimizer = optimizer_of(compiled["limited"])
    weights = [np.ones(3), np.ones(4)]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    with pytest.raises(ValueError, match="bound of clip: expected None or a number > 0, got nan"):
        optimizer.update([0, 1], weights, [np.ones(3), np.full(4, np.nan)], states)
    assert all((weight == 1).all() for weight in weights)
    assert optimizer._index_update_count == {}
    assert optimizer.num_update == 0


def test_the_fingerprint_knows_the_norms(tmp_path):
    text = (
        f"{HEADER}\nfrom weightopt_core.rule import norm\n@update_rule\ndef rule(weight, grad):\n"
    )
    prints = {
        load(f"{text}    return weight - {of} * grad\n", tmp_path).rule.lowered.fingerprint
        for of in ("norm(weight)", "norm(grad)", "2.0")
    }
    assert len(prints) == 3


REFUSED = {
    "norm(lr)": ("norm of a number", "of an array"),
    "norm(grad > 0)": ("norm of a mask", "of an array"),
    "norm(grad, 1)": ("norm with 2 arguments", "norm takes 1"),
    "norm(x=grad)": ("keyword", "by position"),
    "norm(grad / norm(grad))": ("depends on another reduction", "known without any"),
    "norm(grad * max(norm(grad), 1.0))": ("depends on another reduction", "known without any"),
    "norm(scaled)": ("depends on another reduction", "known without any"),
    "norm(twice)": ("depends on another reduction", "known without any"),
    "norm(where(weight > norm(grad), grad, weight))": (
        "depends on another reduction",
        "known without any",
    ),
    "sum([norm(grad * i) for i in (1, 2)])": ("a call of 'sum'", "norm"),
    "(" + " + ".join(f"norm(grad * {i})" for i in range(9)) + ")": (
        "one norm more",
        "up to 8 reductions",
    ),
    "total(grad - mean(grad))": ("total of an array that depends on another reduction", "any"),
    "mean(largest(grad) * weight)": ("mean of an array that depends on another", "known without"),
    "total(lr)": ("total of a number", "of an array"),
    "mean(grad > 0)": ("mean of a mask", "of an array"),
    "largest(grad, weight)": ("largest with 2 arguments", "largest takes 1"),
    "(mean(grad) + " + " + ".join(f"total(grad * {i})" for i in range(8)) + ")": (
        "one total more",
        "up to 8 reductions",
    ),
    "(grad if norm(grad) > 1 else weight)": ("'if' on arrays", "where"),
    "weight ** norm(grad)": ("a power of an array", "product"),
}
BODY = """
from weightopt_core.rule import largest, mean, norm, total

@update_rule
def rule(weight, grad, *, lr):
    scaled = grad * norm(weight)
    twice = scaled + weight
    return weight - {} * grad
"""


@pytest.mark.parametrize("expression", REFUSED)
def test_what_is_refused(expression, tmp_path):
    found, allowed = REFUSED[expression]
    with pytest.raises(RuleError, match=r"rules\.py:14: rule 'rule'") as caught:
        load(HEADER + BODY.format(expression), tmp_path)
    assert found in str(caught.value)
    assert allowed in str(caught.value)


def test_norms_do_not_go_with_noise(tmp_path):
    source = "from weightopt_core.rule import norm\n@update_rule\ndef rule(weight, grad, noise):\n"
    with pytest.raises(RuleError, match="norm in a rule with 'noise'"):
        load(f"{HEADER}\n{source}    return weight + norm(grad) * noise\n", tmp_path)
