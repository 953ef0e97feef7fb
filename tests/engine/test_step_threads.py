"""One optimizer, or the same weights, stepped by several threads at a time."""

import sys
import threading
import time

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core import threads


@pytest.fixture(autouse=True)
def frequent_switches():
    """Let the interpreter change threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def together(*works):
    """Run functions in a thread each; raise what they raised."""
    errors = []

    def run(work):
        try:
            work()
        except BaseException as error:
            errors.append(error)

    running = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if errors:
        raise errors[0]


class Computed(mx.optimizer.Adam):
    base = 0.9
    beta1 = property(lambda self: self.base * 1.0)


class ByIndex(mx.optimizer.SGD):
    def _get_lr(self, index):
        return 0.5 / self.num_update


@pytest.mark.parametrize("kind", [mx.optimizer.SGD, mx.optimizer.Nadam, Computed, ByIndex])
@pytest.mark.parametrize("many", [False, True])
def test_each_thread_with_weights_of_its_own(kind, many):
    updates = [150, 200, 251]

    def stepped(optimizer, thread, weights):
        indices = [f"{thread}/{i}" for i in range(3)]
        states = [optimizer.create_state(*pair) for pair in zip(indices, weights)]
        for _ in range(updates[thread]):
            grads = [weight * 0.5 for weight in weights]
            if many:
                optimizer.update(indices, weights, grads, states)
            else:
                for given in zip(indices, weights, grads, states):
                    optimizer.update(*given)

    shared = kind()
    shared.set_lr_mult({f"1/{i}": 0.5 + i for i in range(3)})
    weights = [[np.full(8, 1.0 + i) for i in range(3)] for _ in updates]
    together(*[lambda t=t: stepped(shared, t, weights[t]) for t in range(3)])
    counts = {f"{t}/{i}": updates[t] for t in range(3) for i in range(3)}
    assert (dict(shared._index_update_count), shared.num_update) == (counts, 251)
    if kind is not ByIndex:  # its rate depends on what the other threads have counted
        for thread, found in enumerate(weights):
            alone = kind()
            alone.set_lr_mult(dict(shared.lr_mult))
            expected = [np.full(8, 1.0 + i) for i in range(3)]
            stepped(alone, thread, expected)
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("size", [10, 1000, 40_000])
@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("indices", ["same", "other"])
def test_the_same_weights_are_stepped_one_after_the_other(size, count, indices):
    """No step of a thread is lost or torn, in whichever order they come."""
    optimizers = [mx.optimizer.create("sgd", learning_rate=1.0, momentum=0.5) for _ in range(2)]
    weights = [np.zeros(size, np.float32) for _ in range(count)]
    states = [np.zeros(size, np.float32) for _ in range(count)]
    given = weights, [np.ones(size, np.float32)] * count, states
    steps = 60

    def work(optimizer, name):
        for _ in range(steps):
            optimizer.update([f"{name}{i}" for i in range(count)], *given)

    before = [sys.getrefcount(array) for array in weights + states]
    if indices == "same":
        together(*[lambda: work(optimizers[0], "")] * 3)
        assert optimizers[0].num_update == 3 * steps
    else:
        together(*[lambda t=t: work(optimizers[t % 2], f"{t} ") for t in range(3)])
    assert [sys.getrefcount(array) for array in weights + states] == before
    expected, state = np.zeros(1, np.float32), np.zeros(1, np.float32)
    alone = mx.optimizer.create("sgd", learning_rate=1.0, momentum=0.5)
    for _ in range(3 * steps):
        alone.update(0, expected, np.ones(1, np.float32), state)
    for weight in weights:
        assert set(weight) == set(expected)


@pytest.mark.parametrize("name", ["adam", "nadam", "lamb"])
def test_the_same_indices_for_other_weights_in_each_thread(name):
    optimizer = mx.optimizer.create(name)
    stepped = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(40):
            sizes = rng.choice([8, 100, 20_000, 40_000], 3)
            weights = [np.ones(size, np.float32) for size in sizes]
            states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
            for _ in range(rng.integers(1, 4)):
                grads = [np.ones(size, np.float32) for size in sizes]
                if rng.integers(2):
                    optimizer.update([0, 1, 2], weights, grads, states)
                else:
                    for given in zip(range(3), weights, grads, states):
                        optimizer.update(*given)
                stepped.append(seed)
            assert all(np.ptp(weight) == 0 for weight in weights)

    together(*[lambda seed=seed: work(seed) for seed in range(3)])
    assert optimizer._index_update_count == dict.fromkeys(range(3), len(stepped))


def test_settings_may_change_while_other_threads_step():
    optimizer = mx.optimizer.create("adam")
    stop = threading.Event()

    def change():
        for i in range(2000):
            optimizer.wd, optimizer.beta1 = 1e-4 * (i % 2), 0.9 - 0.01 * (i % 3)
            if i % 10 == 0:
                optimizer.set_lr_mult({"0/1": 1.0 + i % 4})
        stop.set()

    def work(thread):
        weights = [np.ones(8) for _ in range(4)]
        indices = [f"{thread}/{i}" for i in range(4)]
        states = [optimizer.create_state(*pair) for pair in zip(indices, weights)]
        while not stop.is_set():
            optimizer.update(indices, weights, [weight.copy() for weight in weights], states)
            optimizer.update(indices[0], weights[0], weights[0].copy(), states[0])

    together(change, *[lambda t=t: work(t) for t in range(3)])
    assert optimizer.num_update == max(optimizer._index_update_count.values())


def test_a_thread_that_forms_numbers_shows_its_count_to_no_other():
    seen, inside, looked = [], threading.Event(), threading.Event()

    class Slow(mx.optimizer.SGD):
        def numbers(self, index, t):
            inside.set()
            looked.wait(10)
            seen.append((t, self.num_update, dict(self._index_update_count)))
            return {}

    optimizer = Slow()

    def look():
        assert inside.wait(10)
        seen.append((optimizer.num_update, dict(optimizer._index_update_count)))
        looked.set()

    together(lambda: optimizer.update(0, np.ones(2), np.ones(2), None), look)
    assert seen == [(0, {}), (1, 1, {0: 1})]


def play(threads, lists):
    """Let x and y play the game x y: each is the other's gradient."""
    mx.set_num_threads(threads)
    x, y = np.ones(200_000), np.full(200_000, 2.0)
    update = mx.optimizer.get_updater(mx.optimizer.create("sgd", learning_rate=0.5))
    if lists:
        update(["x", "y"], [y, x], [x, y])
    return x, y


@pytest.mark.parametrize("threads", [1, 2])
def test_a_gradient_in_the_memory_of_another_weight_is_refused(threads):
    try:
        with pytest.raises(ValueError, match="grad: expected memory apart from every weight"):
            play(threads, True)
    finally:
        mx.set_num_threads(None)


@pytest.mark.parametrize("kind", ["compiled", "not compiled"])
@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("where", ["weight", "state", "part", "behind"])
def test_overlaps_between_tensors_of_a_call(where, repeated, kind):
    @mx.update_rule
    def heavy(weight, grad, mom, *, lr):
        mom = 0.9 * mom + grad
        return weight - lr * mom, mom

    class Heavy(mx.Optimizer):
        rule = heavy

    size = 1000
    memory = np.zeros(6 * size)
    parts = list(memory.reshape(6, size))
    optimizer = Heavy() if kind != "compiled" else mx.optimizer.create("sgd", momentum=0.9)
    weights, states, grads = parts[:2], parts[2:4], parts[4:]
    for _ in range(2 * repeated):
        optimizer.update([0, 1], weights, grads, states)
    before, count = memory.copy(), optimizer.num_update
    places = {"weight": 0, "state": 2 * size, "part": size // 2, "behind": 4 * size}
    begin = places[where]
    grads[1] = memory[begin : begin + size]
    if where == "behind":  # two gradients may have memory in common
        optimizer.update([0, 1], weights, grads, states)
        assert optimizer.num_update == count + 1
        return
    with pytest.raises(ValueError, match=r"expected .* apart.*, got an overlap"):
        optimizer.update([0, 1], weights, grads, states)
    np.testing.assert_array_equal(memory, before)
    assert optimizer.num_update == count


def test_a_step_waits_for_another_threads_step_of_the_same_memory():
    """Views of one array, as weights of two optimizers."""
    memory, grad = np.zeros(2_000_000, np.float32), np.ones(2_000_000, np.float32)
    views = memory, memory[1000:]

    def work(which):
        optimizer = mx.optimizer.create("sgd", learning_rate=1.0)
        for _ in range(30):
            optimizer.update(0, views[which], grad[: views[which].size], None)

    began = time.monotonic()
    together(lambda: work(0), lambda: work(1))
    assert set(memory[:1000]) == {-30}
    assert set(memory[1000:]) == {-60}
    assert time.monotonic() - began < 60


def test_a_thread_that_is_held_up_while_it_looks_for_threads(monkeypatch):
    """Two threads in the middle of one bound step: each is right, and neither leaks an array."""
    gate, first, real = threading.Event(), [None], threads.get_num_threads

    def slow():
        if threading.current_thread() is first[0]:
            gate.wait(2)
        return real()

    monkeypatch.setattr(threads, "get_num_threads", slow)
    mx.set_num_threads(2)
    size, rounds = 8_000_000, 5
    optimizer = mx.optimizer.create("sgd", learning_rate=1.0)
    weight, grad = np.zeros(size, np.float32), np.ones(size, np.float32)
    for _ in range(2):
        optimizer.update(0, weight, grad, None)
    before = sys.getrefcount(weight), sys.getrefcount(grad)

    def held():
        first[0] = threading.current_thread()
        optimizer.update(0, weight, grad, None)

    def other():
        time.sleep(0.02)
        threading.Timer(0.002, gate.set).start()
        optimizer.update(0, weight, grad, None)

    try:
        for _ in range(rounds):
            gate.clear()
            together(held, other)
    finally:
        mx.set_num_threads(None)
    assert (sys.getrefcount(weight), sys.getrefcount(grad)) == before
    assert set(weight) == {-2 - 2 * rounds}
    assert optimizer.num_update == 2 + 2 * rounds
