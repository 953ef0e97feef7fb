"""Every installed optimizer: its rule compiled gives the bits of its rule on NumPy."""

import itertools

import numpy as np
import pytest
from weightopt_core.kernels.elementwise import THREAD_THRESHOLD

import weightopt_core as mx
from weightopt_core.backends import cpu
from weightopt_core.rule import Rule

LENGTHS = [0, 1, 7, 10_007, THREAD_THRESHOLD + 1]
STEPS = 20


def options(cls):
    """Return settings of an optimizer that lead to each of its rules, with and without extras."""
    flags = {"momentum": (0.0, 0.9), "centered": (False, True), "clip_weights": (None, 0.25)}
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
    nan = np.isnan(x) & np.isnan(y)
    return bool(np.all(nan | ((x == y) & (np.signbit(x) == np.signbit(y)))))


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(("name", "given"), CASES)
def test_same_bits(name, given, length, dtype, wild):
    optimizer = mx.optimizer.create(name, **given)
    rule = optimizer.rule
    assert rule.compiled.kernel is not None, rule.compiled.reason
    weight = wild(length, dtype)
    states = [np.zeros_like(weight) for _ in rule.states]
    reference = [array.copy() for array in (weight, *states)]
    for t in range(1, STEPS + 1):
        grad = wild(length, dtype)
        numbers = numbers_of(optimizer, t)
        bound = cpu.bind(rule, [(weight, grad, states, None)])
        bound.run([numbers], rule.constants(numbers)[np.newaxis], [])
        with np.errstate(all="ignore"):
            results = rule(reference[0], grad, *reference[1:], **numbers)
        reference = list(results) if rule.states else [results]
    for got, expected in zip((weight, *states), reference, strict=True):
        assert got.dtype == expected.dtype == dtype
        assert same_bits(got, expected)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_do_not_matter(threads, wild, dtype):
    weight = wild(5 * THREAD_THRESHOLD + 3, dtype)
    grad = wild(weight.size, dtype)
    results = []
    for count in (1, threads):
        mx.set_num_threads(count)
        try:
            optimizer = mx.optimizer.create("adam")
            copy = weight.copy()
            optimizer.update(0, copy, grad, optimizer.create_state(0, copy))
        finally:
            mx.set_num_threads(None)
        results.append(copy)
    assert same_bits(*results)


@pytest.mark.parametrize("length", [1, 10_007, 3 * cpu.BLOCK + 1])
def test_blocks_of_numpy_are_as_the_whole(length, wild, dtype):
    optimizer = mx.optimizer.create("adam")
    rule = optimizer.rule
    arrays = [
        wild(length, dtype),
        wild(length, dtype),
        np.zeros(length, dtype),
        np.zeros(length, dtype),
    ]
    numbers = numbers_of(optimizer, 1)
    with np.errstate(all="ignore"):
        expected = rule(*arrays, **numbers)
    cpu.run_in_blocks(rule, arrays, numbers)
    assert all(same_bits(*pair) for pair in zip(expected, (arrays[0], *arrays[2:]), strict=True))


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
