"""States in bfloat16 and in 8 bits, rounded stochastically: bits, means, and resumed runs."""

import ml_dtypes
import numpy as np
import pytest
from numpy_step import run_in_slices

import weightopt_core as mx
from weightopt_core.backends.cpu.interpreted import SLICE
from weightopt_core.backends.cpu.quantized import dequantized
from weightopt_core.backends.cpu.rounding import rounded
from weightopt_core.kernels.driver import THREAD_THRESHOLD
from weightopt_core.testing.arrays import same_bits

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
#: One state, two, three, a norm, and one that begins as a copy of the weight.
CASES = {
    "sgd": {"momentum": 0.9},
    "adam": {},
    "adadelta": {},
    "rmsprop": {"centered": True},
    "lamb": {},
    "dcasgd": {"momentum": 0.9},
}
DTYPES = {"float32": np.float32, "float16": np.float16, "bfloat16": BFLOAT16}
#: What `state_dtype` may be, and the dtype of the arrays.
KINDS = {"bfloat16": BFLOAT16, "int8": np.dtype(np.uint8)}
every_kind = pytest.mark.parametrize("kind", KINDS)


def create(name, kind="bfloat16", **given):
    return mx.optimizer.create(name, **CASES[name], state_dtype=kind, **given)


def parts_of(state):
    return state if isinstance(state, tuple) else (state,)


def stepped_on_numpy(optimizer, index, arrays, grad, master):
    """Step copies of a weight and its states as the rule on NumPy, after the optimizer did."""
    count = optimizer._index_update_count[index]
    key = optimizer._stepper.key(optimizer, optimizer.rule, index, count)
    numbers = optimizer._numbers(optimizer.rule, index)
    weight, *states = arrays
    order = [states[-1], grad, *states[:-1], weight] if master else [weight, grad, *states]
    run_in_slices(optimizer.rule, order, numbers, key, optimizer.state_dtype)


def tamed(values, kind):
    """Return values that are finite in every other block: one that is not takes its block along."""
    if kind == "int8":
        values[(np.arange(values.size) // 256 % 2 == 0) & ~np.isfinite(values)] = 1
    return values


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("dtype", "master"),
    [("float32", False), ("float16", False), ("float16", True), ("bfloat16", False),
     ("bfloat16", True)],
)  # fmt: skip
@pytest.mark.parametrize("length", [1, 1023, 2 * SLICE + 5])
@every_kind
def test_compiled_has_the_bits_of_numpy(name, dtype, master, length, kind, wild):
    optimizer = create(name, kind, multi_precision=master, wd=0.01)
    weight = tamed(wild(length + 3, DTYPES[dtype])[3:], kind)
    state = optimizer.create_state("w", weight)
    arrays = weight, *parts_of(state)
    assert [part.dtype for part in arrays[1:]] == [KINDS[kind]] * len(optimizer.rule.states) + (
        [np.dtype(np.float32)] * master
    )
    copies = [array.copy() for array in arrays]
    for _ in range(4):
        grad = tamed(wild(length, DTYPES[dtype]), kind)
        if optimizer.rule.lowered.reduced:
            grad = np.where(np.isfinite(grad), grad, np.ones(1, grad.dtype))
            for array in (*arrays, *copies):
                if array.dtype != np.uint8:
                    array[~np.isfinite(array)] = 1
        optimizer.update("w", weight, grad, state)
        stepped_on_numpy(optimizer, "w", copies, grad, master)
    for got, expected in zip(arrays, copies, strict=True):
        assert same_bits(got, expected)


@mx.update_rule
def exchange(weight, grad, first, second, third):
    return weight, grad, first, second


class Exchange(mx.Optimizer):
    """A rule that is not compiled, and hands its gradient from state to state."""

    rule = exchange


def test_a_rule_that_is_not_compiled(wild):
    optimizer = Exchange(state_dtype="bfloat16")
    weight, grad = wild(20_000, np.float32), wild(20_000, np.float32)
    states = optimizer.create_state(0, weight)
    for _ in range(3):
        optimizer.update(0, weight, grad, states)
    assert all(part.dtype == BFLOAT16 for part in states)
    keys = [optimizer._stepper.key(optimizer, exchange, 0, count) for count in (1, 2, 3)]
    for i, part in enumerate(states):  # the second rounding finds representable values
        assert same_bits(part, rounded(grad, keys[2 - i], 0))


@every_kind
def test_many_tensors_and_threads_are_as_one_by_one(kind):
    sizes = [5, 0, 2 * THREAD_THRESHOLD + 3, 70_001, 1, 256, 511]
    runs = []
    for threads, together in ((1, True), (1, False), (2, True), (3, True), (5, True), (2, False)):
        mx.set_num_threads(threads)
        try:
            runs.append(run_many(sizes, together, kind))
        finally:
            mx.set_num_threads(None)
    for other in runs[1:]:
        for one, two in zip(runs[0], other, strict=True):
            assert one.tobytes() == two.tobytes()


def run_many(sizes, together, kind):
    """Return weights and states after some steps in which arrays are known and new."""
    mx.random.seed(1)
    rng = np.random.default_rng(2)
    optimizer = create("adam", kind)
    weights = [rng.normal(size=size).astype(np.float32) for size in sizes]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    for _ in range(4):
        grads = [rng.normal(size=size).astype(np.float32) for size in sizes]
        if together:
            optimizer.update(list(range(len(sizes))), weights, grads, states)
        else:
            for i, arguments in enumerate(zip(weights, grads, states, strict=True)):
                optimizer.update(i, *arguments)
    return [*weights, *(part for state in states for part in state)]


@pytest.mark.parametrize("bits", [0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001, 0xFF800001])
def test_a_nan_of_any_bits_stays_one(bits):
    """Random bits are added to the lower half, and would carry into the sign of some."""
    optimizer = create("sgd")
    weight, grad = np.ones(1000, np.float32), np.full(1000, bits, np.uint32).view(np.float32)
    state = optimizer.create_state(0, weight)
    for _ in range(3):
        optimizer.update(0, weight, grad, state)
        assert np.isnan(np.asarray(state, np.float32)).all()
    with np.errstate(invalid="ignore"):
        assert np.isnan(np.asarray(rounded(grad, (3, 4), 0), np.float32)).all()


def test_what_bfloat16_represents_stays_as_it_is():
    every = np.arange(1 << 16, dtype=np.uint16).view(BFLOAT16)
    with np.errstate(invalid="ignore"):
        kept = rounded(every.astype(np.float32), (3, 4), 0)
        assert same_bits(kept, every)
    optimizer = Exchange(state_dtype="bfloat16")
    weight = np.zeros(every.size, np.float32)
    states = optimizer.create_state(0, weight)
    with np.errstate(invalid="ignore"):
        optimizer.update(0, weight, every.astype(np.float32), states)
        assert same_bits(states[0], every)


@pytest.mark.parametrize(("kind", "bound"), [("bfloat16", 0.007), ("int8", 0.02)])
def test_nothing_is_lost_in_the_mean(kind, bound):
    """After 5,000 steps of Adam the mean square is that of float64; rounded to nearest it is not.

    A step rounds v by up to 2**-7 of it, with a variance of at most a quarter of that squared, and
    1 / (1 - beta2**2) = 500 such errors last: less than 9 % of v for an element, so less than
    0.14 % for the mean over 4096 of them. The bound is five times that.

    In 8 bits codes are up to 2**-3 of v apart. A value moves by 0.001 of v, on average, from a
    code: the variance of a rounding is at most 0.001 * 2**-3 of v**2, and 500 of them last. That is
    25 % of v for an element, and 0.4 % for the mean.
    """
    steps, count = 5000, 4096
    rng = np.random.default_rng(0)
    block = rng.normal(size=(64, count)).astype(np.float32)
    optimizer = create("adam", kind, learning_rate=1e-3)
    weight = np.zeros(count, np.float32)
    state = optimizer.create_state(0, weight)
    exact, nearest = np.zeros(count), np.zeros(count, BFLOAT16)
    for step in range(steps):
        grad = block[step % 64]
        optimizer.update(0, weight, grad, state)
        exact = 0.999 * exact + 0.001 * grad.astype(np.float64) ** 2
        new = np.float32(0.999) * nearest.astype(np.float32) + np.float32(0.001) * grad**2
        nearest = new.astype(BFLOAT16)
    found = dequantized(state[1]) if kind == "int8" else state[1]
    assert abs(np.mean(found.astype(np.float64) / exact) - 1) < bound
    assert abs(np.mean(nearest.astype(np.float64) / exact) - 1) > 0.1


@every_kind
def test_a_resumed_run_goes_on_bit_for_bit(kind, wild):
    grads = [np.nan_to_num(wild(5000, np.float32)) for _ in range(6)]
    whole, resumed = (mx.optimizer.get_updater(create("adam", kind)) for _ in range(2))
    weight = np.ones(5000, np.float32)
    for grad in grads[:3]:
        whole("w", grad, weight)
    copy = weight.copy()
    mx.random.seed(99)
    resumed.set_states(whole.get_states())
    assert resumed.states["w"][0].dtype == KINDS[kind]
    for grad in grads[3:]:
        whole("w", grad, weight)
        resumed("w", grad, copy)
    assert same_bits(weight, copy)
    assert whole.get_states() == resumed.get_states()


def test_updates_and_weights_round_differently():
    weight, grad = np.zeros(4096, np.float32), np.full(4096, 1.01, np.float32)
    optimizer = create("sgd")
    first, second = optimizer.create_state(0, weight), optimizer.create_state(1, weight)
    optimizer.update([0, 1], [weight, weight.copy()], [grad, grad], [first, second])
    assert not same_bits(first, second)
