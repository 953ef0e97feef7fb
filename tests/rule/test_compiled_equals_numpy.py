"""Compiled rules: arrays of any kind, any number of threads, and what runs on NumPy."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy_step import any_turn, run_in_slices
from rule_constants import constants_of

import weightopt_core as mx
from weightopt_core.backends import cpu
from weightopt_core.backends.cpu.interpreted import SLICE
from weightopt_core.backends.interface import STATE_FORMS
from weightopt_core.dtypes import compute_of, storage_of
from weightopt_core.engine.constants import Constants
from weightopt_core.kernels.driver import THREAD_THRESHOLD
from weightopt_core.rule import Rule
from weightopt_core.testing.arrays import same_bits
from weightopt_core.testing.exact import EXTRAS
from weightopt_core.testing.subject import Subject

DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
KEY = (3, 4)


CASES = [
    (name, given | extra)
    for name in mx.optimizer.registry.names()
    for given in Subject(mx.optimizer.registry.find(name)).settings()
    for extra in ({}, EXTRAS)
]


class Pair:
    """One weight with its states, and a copy that the rule steps as plain NumPy."""

    def __init__(self, optimizer, weight):
        self.optimizer, self.rule = optimizer, optimizer.rule
        state = optimizer.create_state(0, weight)
        states = state if isinstance(state, tuple) else () if state is None else (state,)
        self.weight, self.state, self.arrays = weight, state, (weight, *states)
        self.copies = [array.copy() for array in self.arrays]

    def step(self, grad, t):
        numbers = numbers_of(self.optimizer, t)
        keys = [KEY] if self.rule.draws else []
        masters = self.optimizer.multi_precision
        bound = cpu.bind(
            self.rule, (self.weight,), (grad,), (self.state,), STATE_FORMS[masters, False]
        )
        run(bound, self.rule, numbers, keys)
        self._reference(grad, numbers, masters and self.weight.itemsize == 2)

    def _reference(self, grad, numbers, mastered):
        compute = compute_of(storage_of(self.weight.dtype))
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


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    case=st.sampled_from(CASES),
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
    length = 3 * SLICE + 1
    optimizer = mx.optimizer.create(name, multi_precision=True)
    rule, weight, grad = optimizer.rule, wild(length, dtype), wild(length, dtype)
    pair = Pair(optimizer, weight)
    copies = [array.copy() for array in pair.arrays]
    pair.step(grad, 1)
    master = len(copies) > len(rule.states) + 1
    order = (
        [copies[-1], grad, *copies[1:-1], copies[0]] if master else [copies[0], grad, *copies[1:]]
    )
    run_in_slices(rule, order, numbers_of(optimizer, 1), KEY)
    assert all(same_bits(*both) for both in zip(pair.arrays, copies, strict=True))


def test_a_returned_parameter_is_not_overwritten_before_it_is_copied():
    arrays = [np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.zeros(2)]
    run_in_slices(exchange, arrays, {})
    np.testing.assert_array_equal(arrays[2], [1.0, 2.0])
    np.testing.assert_array_equal(arrays[0], [0.0, 0.0])


@mx.update_rule
def exchange(weight, grad, previous):
    return previous, weight


def test_the_fallback_has_no_kernel():
    assert isinstance(exchange, Rule)
    assert exchange.compiled.kernel is None
    assert exchange.compiled.reason == "not compiled"


def run(bound, rule, numbers, keys):
    """Run a bound step of one tensor with such numbers."""
    constants = Constants(constants_of(rule, numbers)[np.newaxis], np.zeros(1, np.int32))
    bound.run(constants, keys, (0,), lambda rule, index, turn: numbers, any_turn())


def numbers_of(optimizer, t):
    optimizer._index_update_count[0] = t
    return optimizer._numbers(optimizer.rule, 0)
