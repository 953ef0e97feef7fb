"""A weight that a bound step updates, beside a copy that the rule steps as plain NumPy."""

import ml_dtypes
import numpy as np
from numpy_step import any_turn
from rule_constants import constants_of

import weightopt_core as mx
from weightopt_core.backends import cpu
from weightopt_core.backends.interface import STATE_FORMS
from weightopt_core.dtypes import compute_of, storage_of
from weightopt_core.engine.constants import Constants
from weightopt_core.testing.arrays import same_bits
from weightopt_core.testing.exact import EXTRAS
from weightopt_core.testing.subject import Subject

DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
KEY = (3, 4)
#: Those that have a rule of their own.
NAMES = [
    name
    for name in mx.optimizer.registry.names()
    if mx.optimizer.registry.find(name).rule is not None
]
CASES = [
    (name, given | extra)
    for name in NAMES
    for given in Subject(mx.optimizer.registry.find(name)).settings()
    for extra in ({}, EXTRAS)
]

#: One case for each rule. The others, which differ in numbers alone, are those of the conformance
#: kit: update_has_the_bits_of_the_rule and half_precision_rounds_once.
RULES = list(
    {mx.optimizer.create(name, **given).rule: (name, given) for name, given in CASES}.values()
)


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
            self.rule, (self.weight,), (grad,), (self.state,), STATE_FORMS[masters, None]
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


def run(bound, rule, numbers, keys):
    """Run a bound step of one tensor with such numbers."""
    constants = Constants(constants_of(rule, numbers)[np.newaxis], np.zeros(1, np.int32))
    bound.run(constants, keys, (0,), lambda rule, index, turn: numbers, any_turn())


def numbers_of(optimizer, t):
    optimizer._index_update_count[0] = t
    return optimizer._numbers(optimizer.rule, 0)
