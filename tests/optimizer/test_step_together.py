"""A rule that follows the weights in the pass that steps: the bits of one after the other."""

import contextlib
import signal
import threading

import ml_dtypes
import numpy as np
import pytest

import weightopt_core as wo
from weightopt_core.optimizer import Following, Nested, beside
from weightopt_core.testing.arrays import same_bits

DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
#: A part, several, one that is not whole, and none.
SIZES = [(3,), (20_000,), (70, 1001), (0,)]


@pytest.fixture
def passes(monkeypatch):
    """Count what the engine is asked for: a step together, or a rule by itself."""
    counts = {"together": 0, "apart": 0}

    def counted(name, function):
        def call(*given):
            counts[name] += 1
            return function(*given)

        return call

    monkeypatch.setattr(beside, "step_together", counted("together", beside.step_together))
    monkeypatch.setattr(beside, "step", counted("apart", beside.step))
    return counts


def apart(monkeypatch):
    monkeypatch.setattr(Following, "_shares_a_pass", lambda self, weights: False)


def flat(state):
    if isinstance(state, (tuple, list)):
        return [array for part in state for array in flat(part)]
    return [] if state is None else [state]


def run(held, dtype):
    """Return all weights and states after some steps of all weights and of one alone."""
    optimizer = wo.optimizer.create("ema", optimizer=held, decay=0.9)
    optimizer.noise_seed = 5
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=size).astype(dtype) for size in SIZES]
    indices = list(range(len(weights)))
    states = [optimizer.create_state(*pair) for pair in zip(indices, weights)]
    for some in (slice(None), slice(1, 2), slice(None), slice(None)):
        grads = [rng.normal(size=weight.shape).astype(dtype) for weight in weights[some]]
        optimizer.update(indices[some], weights[some], grads, states[some])
    return weights + flat(states), optimizer._index_update_count


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("sgd", {"momentum": 0.9}),
        ("adam", {"multi_precision": True}),
        ("lamb", {}),
        ("sgld", {}),
        ("adam", {"state_dtype": "int8"}),
        ("adam", {"state_dtype": "bfloat16", "multi_precision": True}),
    ],
)
def test_as_one_after_the_other(name, given, threads, dtype, passes, monkeypatch):
    if "state_dtype" in given and dtype is np.float64:
        pytest.skip("states of float64 are not rounded")
    wo.set_num_threads(threads)
    together, counts = run([name, given], dtype)
    assert passes == {"together": 4, "apart": 0}
    apart(monkeypatch)
    expected, counted = run([name, given], dtype)
    wo.set_num_threads(None)
    assert passes == {"together": 4, "apart": 4}
    assert all(map(same_bits, together, expected))
    assert counts == counted


class Plain(wo.Optimizer):
    def update(self, index, weight, grad, state):
        weight -= grad
        self._update_count(index)


@pytest.mark.parametrize(
    "held", [Plain(), wo.optimizer.create("lookahead", optimizer="sgd")], ids=["own", "nested"]
)
def test_what_is_no_single_rule_comes_first(held, passes):
    optimizer = wo.optimizer.create("ema", optimizer=held)
    weight = np.ones(3)
    optimizer.update(0, weight, np.ones(3), optimizer.create_state(0, weight))
    assert passes["together"] == 0
    assert passes["apart"] >= 1


def test_what_has_turns_of_its_own_comes_later(passes):
    optimizer = wo.optimizer.create("lookahead", optimizer="sgd", steps=2)
    weight = np.ones(3)
    state = optimizer.create_state(0, weight)
    for _ in range(4):
        optimizer.update(0, weight, np.ones(3), state)
    assert passes == {"together": 0, "apart": 2}


@pytest.mark.parametrize("shift", [0, 1, 40_000])
def test_an_average_over_a_state_waits_for_the_step(shift, passes, monkeypatch):
    """Whoever hands in such arrays gets what one after the other makes of them."""

    def run():
        optimizer = wo.optimizer.create("ema", optimizer=["sgd", {"momentum": 0.9}], decay=0.5)
        weight, memory = np.ones(40_000), np.zeros(80_000)
        state = memory[shift : shift + 40_000], memory[:40_000]
        for _ in range(3):
            optimizer.update(0, weight, np.ones(40_000), state)
        return weight, memory

    found = run()
    assert passes == (
        {"together": 3, "apart": 0} if shift == 40_000 else {"together": 3, "apart": 3}
    )
    apart(monkeypatch)
    assert all(map(same_bits, found, run()))


@pytest.mark.parametrize("wrong", ["average", "momentum", "grad"])
def test_a_wrong_array_leaves_all_as_it_was(wrong):
    optimizer = wo.optimizer.create("ema", optimizer=["sgd", {"momentum": 0.9}])
    weight, grad = np.zeros(3), np.ones(3)
    average, momentum = optimizer.create_state(0, weight)
    arrays = {"average": average, "momentum": momentum, "grad": grad}
    arrays[wrong] = np.ones(4)
    with pytest.raises(ValueError, match="shape of"):
        optimizer.update(0, weight, arrays["grad"], (arrays["average"], arrays["momentum"]))
    assert not any(array.any() for array in (weight, average, momentum))
    assert optimizer.num_update == 0
    optimizer.update(0, weight, grad, (average, momentum))
    assert weight.all()


def test_arrays_may_be_others_at_each_step(monkeypatch):
    runs = []
    for _ in range(2):
        optimizer = wo.optimizer.create("ema", optimizer="adam", decay=0.5)
        weights = [np.ones(5), np.ones(7)]
        states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
        for t in range(6):
            grads = [np.full(5, t + 1.0), np.full(7, -t - 1.0)]
            if t == 2:
                states[0] = (states[0][0].copy(), states[0][1])
            if t == 3:
                weights[1] = weights[1].copy()
            if t == 4:
                states[1] = (states[1][0], tuple(part.copy() for part in states[1][1]))
            optimizer.update([0, 1], weights, grads, states)
        runs.append(weights + flat(states))
        apart(monkeypatch)
    assert all(map(same_bits, *runs))


def test_numbers_that_raise_leave_all_as_it_was():
    @wo.update_rule
    def follow(weight, grad, own, *, rate):
        return weight, own + rate * weight

    class Broken(Following):
        optimizer = Nested()
        follows = follow

        @property
        def rate(self):
            raise KeyboardInterrupt

    optimizer = Broken("sgd")
    weight = np.zeros(3)
    own, held = optimizer.create_state(0, weight)
    with pytest.raises(KeyboardInterrupt):
        optimizer.update(0, weight, np.ones(3), (own, held))
    assert not weight.any()
    assert not own.any()
    assert optimizer.num_update == 0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
def test_weights_averages_and_counts_agree_after_ctrl_c():
    optimizer = wo.optimizer.create("ema", optimizer=["sgd", {"learning_rate": 1}], decay=0.0)
    weights = [np.zeros(size, np.float32) for size in (3, 40_000)]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    grads = [np.full_like(weight, -1) for weight in weights]
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for turn in range(200):
            with contextlib.suppress(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, 1e-5 + turn * 2e-6)
                while True:
                    optimizer.update([0, 1], weights, grads, states)
            for weight, (average, _) in zip(weights, states):
                assert same_bits(average, weight)
                assert (weight == optimizer.num_update).all()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_two_threads_over_the_same_average_take_turns():
    """Steps of two optimizers with one array in common do not meet in it."""
    weights = [np.zeros(300_000, np.float32) for _ in range(2)]
    average = np.zeros(300_000, np.float32)
    optimizers = [wo.optimizer.create("ema", optimizer="sgd", decay=0.0) for _ in range(2)]

    def work(i):
        grad = np.full(300_000, (-1.0) ** i, np.float32)
        for _ in range(50):
            optimizers[i].update(0, weights[i], grad, (average, None))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert any(same_bits(average, weight) for weight in weights)
