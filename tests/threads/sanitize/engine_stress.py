"""Threads that step at once, as a program for a core that is built with ThreadSanitizer.

    python engine_stress.py ROUNDS

Each part is done by several threads, and what they reach is compared with what one thread reaches.
"""

import sys
import threading

import numpy as np

import weightopt_core as wo

THREADS = 4
#: In several parts of the pool; and below a part, where a step keeps the interpreter's lock.
LARGE, SMALL = 50_000, 300


def arrays(number, size, dtype):
    rng = np.random.default_rng(number)
    return [rng.normal(size=size).astype(dtype) for _ in range(2)]


def own(optimizer, number, rounds, size, dtype=np.float32):
    """Step weights of this thread: alone, and a list of them."""
    pairs = [arrays(10 * number + i, size, dtype) for i in range(3)]
    weights, grads = zip(*pairs)
    indices = [f"{number}.{i}" for i in range(3)]
    states = [optimizer.create_state(*pair) for pair in zip(indices, weights)]
    for _ in range(rounds):
        optimizer.update(indices[0], weights[0], grads[0], states[0])
        optimizer.update(indices, list(weights), list(grads), states)
    return [weight.tobytes() for weight in weights]


def in_threads(work):
    """Return what each thread's work returns, and raise what one raised."""
    found, begin = [None] * THREADS, threading.Barrier(THREADS)

    def run(number):
        begin.wait()
        try:
            found[number] = work(number)
        except BaseException as error:
            found[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in found:
        if isinstance(error, BaseException):
            raise error
    return found


def different_weights(make, rounds, **given):
    """Each thread has weights of its own, and an optimizer of its own or one that all share."""
    expected = [own(make(), number, rounds, **given) for number in range(THREADS)]
    found = in_threads(lambda number: own(make(), number, rounds, **given))
    assert found == expected, "optimizers of their own: other bits"
    shared = make()
    found = in_threads(lambda number: own(shared, number, rounds, **given))
    assert found == expected, "a shared optimizer: other bits"


def equal_weights(rounds, size):
    """All threads step the same weight by the same gradient: no step is lost."""
    weight, grad = arrays(7, size, np.float32)
    alone, steps = weight.copy(), THREADS * rounds
    optimizer = wo.optimizer.create("sgd", learning_rate=0.125)
    for _ in range(steps):
        optimizer.update(0, alone, grad, None)

    def step(number):
        optimizer = wo.optimizer.create("sgd", learning_rate=0.125)
        # Each thread has other arrays of the same memory.
        middle = size // 2 + number
        weights, grads = ([array[:middle], array[middle:]] for array in (weight, grad))
        for _ in range(rounds):
            optimizer.update([0, 1], weights, grads, [None, None])

    in_threads(step)
    assert weight.tobytes() == alone.tobytes(), "steps of the same weight: some are lost"


def beside_steps(rounds):
    """Each thread draws its weight, clips its gradient, and steps by an updater that all share."""

    def make():
        updater = wo.optimizer.get_updater(wo.optimizer.create("adam", on_nonfinite="skip"))
        return updater, wo.init.create("normal", seed=3)

    def work(number, updater, init):
        weight, grad = arrays(number, LARGE, np.float32)
        init(f"{number}_weight", weight)
        for _ in range(rounds):
            wo.optimizer.clip_global_norm([grad], 1.0)
            updater(number, grad, weight)
        return weight.tobytes()

    shared = make()
    found = in_threads(lambda number: work(number, *shared))
    assert found == [work(number, *make()) for number in range(THREADS)], "an updater: other bits"


def mixed():
    return wo.optimizer.create("sgd", momentum=0.9, multi_precision=True)


def together(name):
    """An optimizer whose average and whose clipping are in the pass that steps."""
    clipped = wo.optimizer.create("clipglobalnorm", optimizer=name, max_norm=0.5)
    return wo.optimizer.create("ema", optimizer=clipped), wo.optimizer.create("ema", optimizer=name)


def main(rounds):
    wo.set_num_threads(3)
    for size in (SMALL, LARGE):
        for name in ("adam", "lamb"):
            different_weights(lambda name=name: wo.optimizer.create(name), rounds, size=size)
        for which in range(2):
            different_weights(lambda which=which: together("adam")[which], rounds, size=size)
        different_weights(mixed, rounds, size=size, dtype=np.float16)
        equal_weights(rounds, size)
    beside_steps(rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]))
