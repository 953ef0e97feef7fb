"""Compiled rules: arrays of any kind, any number of threads, and what runs on NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy_step import run_in_slices
from pairs import CASES, DTYPES, KEY, NAMES, Pair, numbers_of

import weightopt_core as mx
from weightopt_core.backends.cpu.interpreted import SLICE
from weightopt_core.kernels.driver import THREAD_THRESHOLD
from weightopt_core.rule import Rule
from weightopt_core.testing.arrays import same_bits


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
@pytest.mark.parametrize("name", NAMES)
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


@pytest.mark.parametrize("name", NAMES)
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
