"""States in 8 bits: what a code stands for, what is lost, and what never happens."""

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.backends.cpu.quantized import dequantized, quantized
from weightopt_core.backends.states import BLOCK, SCALE, quantized_size
from weightopt_core.testing.arrays import same_bits

KEYS = [None, (1, 2), (3, 4), (5, 6)]
#: The smallest parts of a scale that a code stands for.
LEAST_UNSIGNED, LEAST_SIGNED = 1.25 * 2.0**-32, 2.0**-15 / 7


def block_of(codes, scale):
    """Return a state of one block."""
    return np.concatenate([np.array([scale], "<f4").view(np.uint8), codes.astype(np.uint8)])


@mx.update_rule
def keep(weight, grad, state):
    return weight, grad


class Keep(mx.Optimizer):
    """Its state is the gradient."""

    rule = keep


def stored(values, steps=1):
    """Return a state that holds `values`, as an optimizer has stored it."""
    optimizer = Keep(state_dtype="int8")
    weight = np.zeros_like(values)
    state = optimizer.create_state(0, weight)
    for _ in range(steps):
        optimizer.update(0, weight, values, state)
    return state


@pytest.mark.parametrize("scale", [1.0, -1.0, 3.7e-20, -3.7e-20, 3.4e38, -3.4e38, 1e-28])
@pytest.mark.parametrize("key", KEYS)
def test_what_a_code_stands_for_keeps_its_code(scale, key):
    state = block_of(np.random.default_rng(0).permutation(256), scale)
    for number in range(4):
        assert same_bits(quantized(dequantized(state), key, number), state)


def test_codes_are_in_the_order_of_what_they_stand_for():
    codes = np.arange(256)
    unsigned = dequantized(block_of(codes, 1.0))
    assert (np.diff(unsigned) > 0).all()
    assert (unsigned[0], unsigned[1], unsigned[255]) == (0, LEAST_UNSIGNED, 1)
    signed = dequantized(block_of(codes, -1.0))
    assert (np.diff(signed[:128]) > 0).all()
    assert same_bits(signed[128:], -signed[:128])
    assert (signed[1], signed[7], signed[127]) == (np.float32(LEAST_SIGNED), 2.0**-15, 1)


@pytest.mark.parametrize("sign", [1, -1])
def test_rounding_is_monotone(sign):
    values = sign * np.geomspace(1e-12, 1, 390 * (BLOCK - 1)).astype(np.float32)
    values = values.reshape(390, BLOCK - 1)
    ends = np.full((len(values), 1), sign, np.float32)  # each block has the same scale
    found = dequantized(quantized(np.hstack([values, ends]))).reshape(-1, BLOCK)[:, :-1]
    assert (np.diff(sign * found.reshape(-1)) >= 0).all()


@pytest.mark.parametrize("key", KEYS)
def test_the_error_is_at_most_a_step(key):
    rng = np.random.default_rng(1)
    unsigned = (10.0 ** rng.uniform(-9, 0, 256 * 40)).astype(np.float32)
    part = 1 / 8 if key else 1 / 16
    largest = np.repeat(unsigned.reshape(-1, BLOCK).max(axis=1), BLOCK)
    error = np.abs(dequantized(quantized(unsigned, key)) - unsigned)
    assert (error <= part * unsigned).all()
    signed = unsigned * rng.choice([-1, 1], unsigned.size)
    error = np.abs(dequantized(quantized(signed.astype(np.float32), key)) - signed)
    assert (error <= np.maximum(part * unsigned, 8 * part * LEAST_SIGNED * largest)).all()


@pytest.mark.parametrize(
    "value", [0.51, 0.3, 1e-3, -0.3, -1e-3, -1e-5, -2e-6], ids=lambda value: f"{value:g}"
)
def test_the_mean_is_the_value(value):
    count = 1 << 16
    values = np.full(count, value, np.float32)
    values[::BLOCK] = np.copysign(1, value)
    found = dequantized(quantized(values, (7, 8), 1)).reshape(-1, BLOCK)[:, 1:].astype(float)
    low, high = np.unique(found)
    assert low < value < high
    up = (value - low) / (high - low)
    # Five standard deviations of a mean of so many draws.
    bound = 5 * (high - low) * np.sqrt(up * (1 - up) / found.size)
    assert abs(found.mean() - np.float32(value)) < bound


@pytest.mark.parametrize("length", [0, 1, 255, 256, 257, 513])
def test_a_state_has_a_scale_for_each_block(length):
    weight = np.ones(length, np.float32)
    mean, var = mx.optimizer.create("adam", state_dtype="int8").create_state(0, weight)
    for part in (mean, var):
        assert (part.dtype, part.shape) == (np.uint8, (quantized_size(length),))
        assert not part.any()
    values = np.arange(length, dtype=np.float32)
    state = stored(values)
    assert same_bits(dequantized(state)[-1:], values[-1:])  # the largest of its block
    for begin in range(0, length, BLOCK):
        row = state[begin // BLOCK * (BLOCK + SCALE) :]
        largest = values[begin : begin + BLOCK].max()
        assert row[:SCALE].view("<f4")[0] == largest


def test_a_first_state_that_is_not_zero_is_rounded_to_nearest():
    weight = np.random.default_rng(0).normal(size=(7, 3000)).astype(np.float32)
    weight[1:4] = 0
    optimizer = mx.optimizer.create("dcasgd", state_dtype="int8")
    state = optimizer.create_state(0, weight)
    assert state.shape == (quantized_size(weight.size),)
    assert same_bits(state, quantized(weight))
    assert (dequantized(state).reshape(7, 3000)[2] == 0).all()


def test_what_is_above_zero_stays_so():
    """A mean square that became 0 beside a mean that did not would make a step of any length."""
    grad = np.full(BLOCK, 1e-5, np.float32)
    grad[7] = 1
    values = np.array([1.0, 1e-38, 1e-45, 0.0, -0.0], np.float32)
    for key in KEYS:
        assert (dequantized(quantized(values, key))[:3] > 0).all()
        assert not dequantized(quantized(values, key))[3:].any()
    adam = mx.optimizer.create("adam", learning_rate=1e-3, state_dtype="int8")
    weight = np.zeros(BLOCK, np.float32)
    state = adam.create_state(0, weight)
    for step in range(200):
        before = weight.copy()
        adam.update(0, weight, grad, state)
        # In float32 each step is as long as the learning rate.
        assert np.abs(weight - before).max() < 5e-3, step
    assert (weight < 0).all()


def test_special_values():
    largest, least = np.finfo(np.float32).max, np.float32(1e-45)
    for values in ([largest, least], [-largest, least, 1], [least], [-least], [-least, least]):
        values = np.array(values, np.float32)
        state = stored(values)
        found = dequantized(state)
        top = np.abs(values).argmax()
        assert same_bits(found[top : top + 1], values[top : top + 1])
        assert (np.abs(found) <= np.abs(values).max()).all()
    assert not stored(np.zeros(300, np.float32)).any()
    assert not stored(np.full(300, -0.0, np.float32)).any()


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_takes_its_block_along(wrong):
    values = np.ones(3 * BLOCK, np.float32)
    values[BLOCK + 5] = wrong
    found = dequantized(stored(values)).reshape(3, BLOCK)
    assert np.isnan(found[1]).all()
    assert (found[[0, 2]] == 1).all()
    assert stored(values, 3).tobytes() == stored(values).tobytes()


def test_what_all_elements_have_in_common_is_in_the_scale():
    """Where a block shrinks as a whole, its codes stay, and nothing is rounded."""
    sgd = mx.optimizer.create("sgd", learning_rate=0.1, momentum=0.9, state_dtype="int8")
    weight = np.zeros(BLOCK, np.float32)
    state = sgd.create_state(0, weight)
    sgd.update(0, weight, np.random.default_rng(0).normal(size=BLOCK).astype(np.float32), state)
    before = state.copy()
    for _ in range(100):
        sgd.update(0, weight, np.zeros(BLOCK, np.float32), state)
    assert same_bits(state[SCALE:], before[SCALE:])
    shrunk = before[:SCALE].view("<f4")[0] * 0.9**100
    # A hundred roundings of the scale, each by at most 2**-24 of it.
    assert state[:SCALE].view("<f4")[0] == pytest.approx(shrunk, rel=100 * 2.0**-24)
