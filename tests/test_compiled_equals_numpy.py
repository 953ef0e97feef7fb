"""Every installed optimizer: its rule compiled gives the bits of its rule on NumPy."""

import itertools

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from weightopt_core.kernels.elementwise import THREAD_THRESHOLD

import weightopt_core as mx
from weightopt_core.backends import cpu
from weightopt_core.rule import Rule

LENGTHS = [0, 1, 7, 10_007, THREAD_THRESHOLD + 1]
DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
STEPS = 20
KEY = (3, 4)


def options(cls):
    """Return settings of an optimizer that lead to each of its rules, with and without extras."""
    flags = {"momentum": (0.0, 0.9), "centered": (False, True), "clip_weights": (None, 0.5)}
    own = [
        [(name, value) for value in values]
        for name, values in flags.items()
        if name in cls.hyperparameters
    ]
    common = [{}, {"wd": 0.01, "clip_gradient": 0.5, "rescale_grad": 0.125}]
    return [dict(chosen) | extra for chosen in itertools.product(*own) for extra in common]


CASES = [
    pytest.param(name, given, id=f"{name}-{given}")
    for name in mx.optimizer.registry.names()
    for given in options(mx.optimizer.registry.find(name))
]


def same_bits(x, y):
    """Whether two arrays are equal bit for bit, where any NaN equals any NaN."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    nan = np.isnan(x) & np.isnan(y)
    return bool(np.all(nan | ((x == y) & (np.signbit(x) == np.signbit(y)))))


class Pair:
    """One weight with its states, and a copy that the rule steps as plain NumPy."""

    def __init__(self, optimizer, weight):
        self.optimizer, self.rule = optimizer, optimizer.rule
        state = optimizer.create_state(0, weight)
        states = state if isinstance(state, tuple) else () if state is None else (state,)
        self.weight, self.state, self.arrays = weight, state, (weight, *states)
        self.copies = [array.copy() for array in self.arrays]

    def step(self, grad, t):
        _, _, states, master = self.optimizer._parts(self.rule, self.weight, grad, self.state)
        numbers = numbers_of(self.optimizer, t)
        keys = [KEY] if self.rule.draws else []
        bound = cpu.bind(self.rule, [(self.weight, grad, states, master)])
        bound.run([numbers], self.rule.constants(numbers)[np.newaxis], keys)
        self._reference(grad, numbers, master is not None)

    def _reference(self, grad, numbers, mastered):
        compute = cpu.COMPUTE[self.weight.dtype.name]
        first = self.copies[-1] if mastered else self.copies[0]
        states = self.copies[1 : len(self.rule.states) + 1]
        inputs = [np.asarray(array, compute) for array in (first, grad, *states)]
        if self.rule.draws:
            inputs.append(np.empty(self.weight.shape, compute))
            cpu.fill_normal(inputs[-1], KEY, 0.0, 1.0)
        with np.errstate(all="ignore"):
            results = self.rule(*inputs, **numbers)
            results = list(results) if self.rule.states else [results]
            if mastered:
                results.append(results[0])
            for i, result in enumerate(results):
                self.copies[i] = np.asarray(result).astype(self.copies[i].dtype)

    def assert_equal(self):
        for got, expected in zip(self.arrays, self.copies, strict=True):
            assert got.dtype == expected.dtype
            assert same_bits(got, expected)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(("name", "given"), CASES)
def test_same_bits(name, given, length, dtype, wild):
    optimizer = mx.optimizer.create(name, **given)
    assert optimizer.rule.compiled.kernel is not None, optimizer.rule.compiled.reason
    pair = Pair(optimizer, wild(length, dtype))
    for t in range(1, STEPS + 1):
        pair.step(wild(length, dtype), t)
    pair.assert_equal()


@pytest.mark.parametrize("dtype", DTYPES[:2], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize(("name", "given"), CASES)
def test_same_bits_with_a_master_copy(name, given, dtype, wild):
    pair = Pair(mx.optimizer.create(name, multi_precision=True, **given), wild(3000, dtype))
    assert pair.arrays[-1].dtype == np.float32
    for t in range(1, STEPS + 1):
        pair.step(wild(3000, dtype), t)
    pair.assert_equal()


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    case=st.sampled_from([case.values for case in CASES]),
    dtype=st.sampled_from(DTYPES),
    shape=st.lists(st.integers(0, 40), max_size=3),
    master=st.booleans(),
    seed=st.integers(0, 2**32),
    orders=st.lists(st.integers(-45, 38), min_size=3, max_size=6),
)
def test_same_bits_of_anything(case, dtype, shape, master, seed, orders):
    name, options_given = case
    rng = np.random.default_rng(seed)
    with np.errstate(over="ignore"):
        weight, *grads = (np.asarray(rng.normal(size=shape) * 10.0**n, dtype) for n in orders)
    pair = Pair(mx.optimizer.create(name, multi_precision=master, **options_given), weight)
    for t, grad in enumerate(grads, start=1):
        pair.step(grad, t)
    pair.assert_equal()


@pytest.mark.parametrize("dtype", DTYPES[1:3], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("threads", [2, 7])
@pytest.mark.parametrize("name", mx.optimizer.registry.names())
def test_threads_do_not_matter(name, threads, wild, dtype):
    weight = wild(5 * THREAD_THRESHOLD + 3, dtype)
    grad = wild(weight.size, dtype)
    results = []
    for count in (1, threads):
        mx.set_num_threads(count)
        try:
            mx.random.seed(1)
            optimizer = mx.optimizer.create(name)
            copy = weight.copy()
            optimizer.update(0, copy, grad, optimizer.create_state(0, copy))
        finally:
            mx.set_num_threads(None)
        results.append(copy)
    assert same_bits(*results)


@pytest.mark.parametrize("name", mx.optimizer.registry.names())
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
def test_blocks_of_numpy_are_as_the_compiled_whole(name, wild, dtype):
    length = 3 * cpu.BLOCK + 1
    optimizer = mx.optimizer.create(name, multi_precision=True)
    rule, weight, grad = optimizer.rule, wild(length, dtype), wild(length, dtype)
    pair = Pair(optimizer, weight)
    copies = [array.copy() for array in pair.arrays]
    pair.step(grad, 1)
    master = len(copies) > len(rule.states) + 1
    order = (
        [copies[-1], grad, *copies[1:-1], copies[0]] if master else [copies[0], grad, *copies[1:]]
    )
    cpu.run_in_blocks(rule, order, numbers_of(optimizer, 1), KEY)
    assert all(same_bits(*both) for both in zip(pair.arrays, copies, strict=True))


def test_a_returned_parameter_is_not_overwritten_before_it_is_copied():
    arrays = [np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.zeros(2)]
    cpu.run_in_blocks(exchange, arrays, {})
    np.testing.assert_array_equal(arrays[2], [1.0, 2.0])
    np.testing.assert_array_equal(arrays[0], [0.0, 0.0])


@mx.update_rule
def exchange(weight, grad, previous):
    return previous, weight


def test_the_fallback_has_no_kernel():
    assert isinstance(exchange, Rule)
    assert exchange.compiled.kernel is None
    assert exchange.compiled.reason == "not compiled"


def numbers_of(optimizer, t):
    optimizer._index_update_count[0] = t
    return optimizer._numbers(optimizer.rule, 0)
