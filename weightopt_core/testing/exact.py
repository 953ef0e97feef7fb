"""Checks of optimizers' numbers: on every device the bits of the rule on NumPy."""

from __future__ import annotations

import functools
import unittest
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backends import cpu
from ..backends.cpu.interpreted import run_in_slices
from ..backends.interface import STATE_DTYPES
from ..dtypes import compute_of, storage_of
from ..kernels.driver import THREAD_THRESHOLD
from ..rule.module import NOT_COMPILED
from .arrays import SPECIAL, Maker, same_bits, wild
from .subject import Subject

#: Lengths of arrays; the last is just enough for several threads.
LENGTHS = (0, 1, 7, 10_007, THREAD_THRESHOLD + 1)
#: For how many steps each is followed, and those where more would show nothing else.
STEPS, FEW = 20, 3
EXTRAS: dict[str, Any] = {"wd": 0.01, "clip_gradient": 0.5, "rescale_grad": 0.125}


def is_compiled(subject: Subject) -> None:
    """The compiled rules load, and were built from the present source."""
    for given in subject.settings():
        compiled = subject.rule(**given).compiled
        if compiled.reason.startswith(NOT_COMPILED):
            raise unittest.SkipTest(f"its rule runs on NumPy: {compiled.reason}")
        assert compiled.kernel is not None, compiled.reason


def rule_writes_to_nothing(subject: Subject) -> None:
    """The rule leaves its arguments as they are, and returns what it promises."""
    for given in subject.settings():
        rule, optimizer = subject.rule(**given), subject.create(**given)
        arrays = [np.full(3, 0.5 + i) for i in range(len(rule.lowered.arrays))]
        before = [array.copy() for array in arrays]
        results = rule(*arrays, **_numbers(optimizer, 1))
        for name, array, old in zip(rule.lowered.arrays, arrays, before):
            assert same_bits(array, old), f"{rule.name} writes to {name}"
        count = len(results) if isinstance(results, tuple) else 1
        assert count == 1 + len(rule.states), f"{rule.name} returns {count} arrays"


def rule_has_its_bits_on_a_namespace(subject: Subject) -> None:
    """On an array namespace, NumPy's own, the rule has the bits that it has when it is called."""
    for given in _settings(subject):
        rule, optimizer = subject.rule(**given), subject.create(**given)
        on, rng = rule.on(np), np.random.default_rng(0)
        for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
            draw = _finite if on.reduced else wild
            arrays = [draw(rng, 101, dtype) for _ in on.arrays]
            with np.errstate(all="ignore"):
                expected = rule(*arrays, **optimizer.numbers_at(0, 3))
                measured = on.measure(_as(dtype, optimizer.constants(0, 3)), *arrays)
                pairs = zip(rule.lowered.reductions, measured)
                reduced = [reduction.of(array) for reduction, array in pairs]
                got = on.step(_as(dtype, optimizer.constants(0, 3, reduced=reduced)), *arrays)
            wanted = expected if rule.states else (expected,)
            for name, one, other in zip(["weight", *rule.states], got, wanted):
                same = same_bits(one, np.broadcast_to(np.asarray(other, dtype), one.shape))
                assert same, f"{given}, {dtype.name}: {name} differs"


def _as(dtype: Any, constants: Any) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.asarray(constants, dtype)


def update_has_the_bits_of_the_rule(subject: Subject, maker: Maker) -> None:
    """An update is bit for bit the rule run on NumPy; special values included."""
    for given in _settings(subject):
        for dtype in maker.full():
            for length in LENGTHS:
                _follow(subject, maker, given, dtype, length)


def half_precision_rounds_once(subject: Subject, maker: Maker) -> None:
    """16-bit weights are computed in float32, and rounded once where they are stored."""
    for given in _settings(subject):
        for dtype in maker.half():
            for master in (False, True):
                _follow(subject, maker, given | {"multi_precision": master}, dtype, 10_007)


def small_states_are_rounded_once(subject: Subject) -> None:
    """With `state_dtype` an update is the rule on NumPy, its states rounded by the update's key."""
    if "state_dtype" not in subject.cls.hyperparameters:
        raise unittest.SkipTest("it takes no state_dtype")
    rng = np.random.default_rng(0)
    for given in subject.settings():
        rule = subject.rule(**given)
        for kind in () if rule.draws or not rule.states else STATE_DTYPES:
            optimizer = subject.create(**given, state_dtype=kind)
            weight = rng.normal(size=10_007).astype(np.float32)
            try:
                state = optimizer.create_state(0, weight)
            except ImportError as error:  # bfloat16 is a package of its own
                raise unittest.SkipTest(str(error)) from None
            arrays = [weight, *(state if isinstance(state, tuple) else (state,))]
            expected = [array.copy() for array in arrays]
            for _ in range(FEW):
                grad = rng.normal(size=weight.size).astype(np.float32)
                optimizer.update(0, weight, grad, state)
                key = optimizer._stepper.key(optimizer, rule, 0, optimizer._index_update_count[0])
                tensor = [expected[0], grad, *expected[1:]]
                expected = run_in_slices(rule, tensor, _numbers(optimizer), key, kind)
            for name, array, wanted in zip(["weight", *rule.states], arrays, expected):
                assert same_bits(array, wanted), f"{given}, state_dtype={kind!r}: {name} differs"


CHECKS = (
    is_compiled,
    rule_writes_to_nothing,
    rule_has_its_bits_on_a_namespace,
    update_has_the_bits_of_the_rule,
    half_precision_rounds_once,
    small_states_are_rounded_once,
)


def _settings(subject: Subject) -> Iterator[dict[str, Any]]:
    extras = {k: v for k, v in EXTRAS.items() if k in subject.cls.hyperparameters}
    for given in subject.settings():
        subject.rule(**given)
        yield given
        yield given | extras


def _follow(subject: Subject, maker: Maker, given: dict[str, Any], dtype: Any, length: int) -> None:
    """Update some times, and compare weight and states with the rule on NumPy.

    Short arrays, whose elements are finite, are those that long ones begin with: a few steps show
    whether their ends are met. So it is with reductions that are not finite: from the first step
    on neither are the weights.
    """
    reduces = bool(subject.rule(**given).lowered.reductions)
    long = length > len(SPECIAL)
    _compare(subject, maker, given, dtype, length, wild, STEPS if long and not reduces else FEW)
    if long and reduces:
        _compare(subject, maker, given, dtype, length, _finite, STEPS)


def _finite(rng: np.random.Generator, shape: Any, dtype: Any) -> np.ndarray:
    """Return wild numbers that are finite: a reduction hands on to all what one of them is."""
    values = wild(rng, shape, dtype)
    return np.where(np.isfinite(values), values, np.ones(1, dtype))


@functools.lru_cache(maxsize=32)
def _drawn(draw: Any, length: int, dtype: Any) -> list[np.ndarray]:
    """Return a weight and the gradients of `STEPS` steps, kept for all who ask: not to change."""
    rng = np.random.default_rng(length)
    return [draw(rng, length, dtype) for _ in range(1 + STEPS)]


def _compare(
    subject: Subject,
    maker: Maker,
    given: dict[str, Any],
    dtype: Any,
    length: int,
    draw: Any,
    steps: int,
) -> None:
    first, *grads = _drawn(draw, length, dtype)
    optimizer = subject.create(**given)
    weight = maker.make(first)
    state = optimizer.create_state(0, weight)
    states = [] if state is None else list(state) if isinstance(state, tuple) else [state]
    reference = [first, *(maker.host(array) for array in states)]
    for grad in grads[:steps]:
        optimizer.update(0, weight, maker.make(grad), state)
        reference = _step(optimizer, reference, grad)
    where = f"{given}, {dtype.name}, {length} elements, {steps} steps"
    names = ["weight", *optimizer.rule.states, "master copy"]
    for name, array, expected in zip(names, [weight, *states], reference):
        got = maker.host(array)
        assert got.dtype == expected.dtype, f"{where}: {name} is of {got.dtype}"
        assert same_bits(got, expected), f"{where}: {name} differs {_difference(got, expected)}"


def _step(optimizer: Any, arrays: list[np.ndarray], grad: np.ndarray) -> list[np.ndarray]:
    """Return weight, states and perhaps master copy after the update that was last counted."""
    rule, weight = optimizer.rule, arrays[0]
    compute = compute_of(storage_of(weight.dtype))
    count = 1 + len(rule.states)
    master = arrays[count:]
    inputs = [array.astype(compute) for array in [*(master or arrays[:1]), grad, *arrays[1:count]]]
    if rule.draws:
        noise = np.empty(weight.shape, compute)
        key = optimizer._stepper.key(optimizer, rule, 0, optimizer._index_update_count[0])
        cpu.fill_normal(noise, key, 0.0, 1.0)
        inputs.append(noise)
    with np.errstate(all="ignore"):
        results = rule(*inputs, **_numbers(optimizer))
        results = list(results) if rule.states else [results]
        kept = [new.astype(old.dtype) for new, old in zip(results, arrays)]
    return kept + results[:1] if master else kept


def _numbers(optimizer: Any, count: int | None = None) -> dict[str, Any]:
    if count is not None:
        optimizer._index_update_count[0] = count
    return optimizer._numbers(optimizer.rule, 0)


def _difference(got: np.ndarray, expected: np.ndarray) -> str:
    wrong = [i for i in range(got.size) if not same_bits(got[i], expected[i])]
    i = wrong[0]
    return f"in {len(wrong)} of {got.size}, first at {i}: expected {expected[i]!r}, got {got[i]!r}"
