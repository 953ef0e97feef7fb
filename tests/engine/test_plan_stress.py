"""What is remembered of a step's arrays, against steps that remember nothing, at random."""

import os
import pickle
import sys
import threading

import ml_dtypes
import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.engine.index_groups import Calls

#: For all threads together; more by the environment.
STEPS = int(os.environ.get("WEIGHTOPT_STRESS_STEPS", "12000"))
TENSORS = 4
DTYPES = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int32, ">f4"]
SIZES = [0, 1, 3, 64, 257, 1000, 40_000]


class Model:
    """Weights, gradients and states that change at random, in place where that is possible."""

    def __init__(self, rng, optimizer):
        self.rng, self.optimizer = rng, optimizer
        self.indices = list(range(TENSORS))
        self.lists = [[None] * TENSORS for _ in range(3)]
        for i in range(TENSORS):
            self.renew(i)

    def renew(self, i):
        weights, grads, states = self.lists
        weights[i] = np.ones(int(self.rng.choice(SIZES)), np.float32)
        grads[i] = np.full(weights[i].shape, 0.5, np.float32)
        states[i] = self.optimizer.create_state(self.indices[i], weights[i])

    def change(self):
        """Change something of one tensor; often so that it does not fit any longer."""
        kind = CHANGES[int(self.rng.integers(len(CHANGES)))]
        kind(self, int(self.rng.integers(TENSORS)), *self.lists)

    def any_list(self):
        """Return the list of weights or that of gradients."""
        return self.lists[int(self.rng.integers(2))]

    def any_tensor(self):
        return int(self.rng.integers(TENSORS))


def renewed(model, i, weights, grads, states):
    model.renew(i)


def grad_of_another_process(model, i, weights, grads, states):
    """Put what a queue delivers, often where the last one lay, and sometimes of another dtype."""
    dtype = DTYPES[int(model.rng.integers(len(DTYPES)))]
    text = pickle.dumps(np.ones(grads[i].shape, dtype))
    grads[i] = None
    grads[i] = pickle.loads(text)


def weight_of_another_process(model, i, weights, grads, states):
    weights[i] = pickle.loads(pickle.dumps(weights[i]))


def resized(model, i, weights, grads, states):
    which = model.any_list()
    which[i] = which[i].astype(np.float32)  # an array that owns its memory, and that nobody views
    which[i].resize(int(model.rng.choice(SIZES[:-1])), refcheck=False)


def swapped_in_place(model, i, weights, grads, states):
    grads[i] = grads[i].astype(np.float32)
    order = str(model.rng.choice([*"<>"]))
    grads[i].dtype = np.dtype("f4", metadata={"of": i}).newbyteorder(order)


def locked(model, i, weights, grads, states):
    weights[i].flags.writeable = bool(model.rng.integers(2)) and weights[i].base is None


def reshaped(model, i, weights, grads, states):
    array = model.any_list()[i]
    array.shape = (-1, 1) if array.ndim == 1 and array.size else (array.size,)


def other_states(model, i, weights, grads, states):
    states[i] = tuple(np.zeros_like(weights[i]) for _ in range(int(model.rng.integers(1, 4))))


def states_in_a_list(model, i, weights, grads, states):
    if states[i] is not None:
        states[i] = list(states[i]) if isinstance(states[i], tuple) else tuple(states[i])


def grad_that_is_a_weight(model, i, weights, grads, states):
    other = model.any_tensor()
    grads[i] = weights[other] if grads[i].shape == weights[other].shape else grads[other]


def reordered(model, i, weights, grads, states):
    for values in (model.indices, weights, grads, states):
        values.reverse()


def all_grads_new(model, i, weights, grads, states):
    grads[:] = [grad.copy() for grad in grads]


def view_of_another(model, i, weights, grads, states):
    other = weights[model.any_tensor()]
    weights[i] = other.reshape(-1)[: other.size // 2]


def fitting_grad(model, i, weights, grads, states):
    grads[i] = np.full(weights[i].shape, 0.25, np.float32)


CHANGES = [
    renewed,
    grad_of_another_process,
    weight_of_another_process,
    resized,
    swapped_in_place,
    locked,
    reshaped,
    other_states,
    states_in_a_list,
    grad_that_is_a_weight,
    reordered,
    all_grads_new,
    view_of_another,
    fitting_grad,
]


def copies_that_share(lists):
    """Copy nested lists of arrays, keeping flags, dtypes and which memory is shared."""
    owners = {}

    def copy(value):
        if isinstance(value, (list, tuple)):
            return type(value)(copy(part) for part in value)
        if value is None:
            return None
        owner = value
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        raw = owners.get(id(owner))
        if raw is None:
            raw = owners[id(owner)] = np.frombuffer(bytearray(owner.tobytes()), np.uint8)
        offset = value.ctypes.data - owner.ctypes.data
        made = np.ndarray(value.shape, value.dtype, raw.data, offset, value.strides)
        made.flags.writeable = value.flags.writeable
        return made

    return copy(lists)


def forget(optimizer):
    """Make an optimizer forget all arrays and calls, but not its counts."""
    optimizer._rates.calls = Calls()


def outcome(step, *given):
    try:
        step(*given)
    except (TypeError, ValueError) as error:
        return type(error).__name__, str(error)
    return None


def same(one, other):
    if one is None or other is None:
        return one is other
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return (
        one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    )


def run(*given):
    try:
        stress(*given)
    except Exception as error:
        given[-1].append(repr(error))
        raise


def stress(seed, name, kept, steps, failures):
    """Step one model; `kept` may be shared with other threads."""
    rng = np.random.default_rng(seed)
    model = Model(rng, kept)
    model.indices = [f"{seed}/{i}" for i in range(TENSORS)]
    fresh = mx.optimizer.create(name)
    refused = 0
    for count in range(steps):
        for _ in range(int(rng.integers(3)) if count % 3 else 0):
            model.change()
        lists = copies_that_share(model.lists)
        single = rng.integers(4) == 0
        given = [values[0] if single else values for values in (model.indices, *model.lists)]
        copied = [values[0] if single else values for values in (model.indices, *lists)]
        forget(fresh)
        found, expected = outcome(kept.update, *given), outcome(fresh.update, *copied)
        counts = [kept._index_update_count.get(index) for index in model.indices]
        if found != expected or not same(model.lists, lists):
            failures.append((seed, count, found, expected))
            return
        if counts != [fresh._index_update_count.get(index) for index in model.indices]:
            failures.append((seed, count, "counts", counts))
            return
        refused += expected is not None
        if expected is not None:
            for i in range(TENSORS):
                model.renew(i)
    if not steps // 20 < refused < steps * 19 // 20:
        failures.append((seed, "too few or too many steps were refused", refused))


@pytest.mark.parametrize("name", ["sgd", "adam"])
@pytest.mark.parametrize("threads", [1, 3])
def test_steps_that_remember_equal_steps_that_do_not(name, threads):
    kept = mx.optimizer.create(name)
    failures = []
    steps = STEPS // (4 * threads)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        runs = [
            threading.Thread(target=run, args=(seed, name, kept, steps, failures))
            for seed in range(threads)
        ]
        for thread in runs:
            thread.start()
        for thread in runs:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert failures == []
