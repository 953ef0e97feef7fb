"""What an optimizer keeps between steps notices everything that changes."""

import gc
import subprocess
import sys
import tracemalloc
import weakref

import numpy as np
import pytest

import weightopt_core as mx

COUNT = 5


def arrays(dtype=np.float32, size=1000):
    rng = np.random.default_rng(3)
    weights, grads = ([rng.normal(size=size).astype(dtype) for _ in range(COUNT)] for _ in "wg")
    return weights, grads


class Stepped:
    """A list of weights, stepped by lists and, as a reference, one by one with new objects."""

    def __init__(self, **given):
        self.one, self.many = (mx.optimizer.create("adam", **given) for _ in range(2))
        self.weights, self.grads = arrays()
        self.indices = list(range(COUNT))
        self.states = [self.many.create_state(i, w) for i, w in enumerate(self.weights)]
        self.copies = [w.copy() for w in self.weights]
        self.copied = [self.one.create_state(i, w) for i, w in enumerate(self.copies)]

    def step(self):
        self.many.update(self.indices, self.weights, self.grads, self.states)
        for i, index in enumerate(self.indices):
            arguments = self.copies[i], self.grads[i].copy(), self.copied[i]
            self.one.update(index, *arguments)

    def assert_equal(self):
        for weight, copied, state, other in zip(
            self.weights, self.copies, self.states, self.copied, strict=True
        ):
            np.testing.assert_array_equal(weight, copied)
            np.testing.assert_array_equal(state, other)
        assert self.many._index_update_count == self.one._index_update_count


def replace_grads(stepped):
    stepped.grads = [grad * 2 for grad in stepped.grads]
    gc.collect()


def replace_a_weight(stepped):
    stepped.weights[1] = stepped.weights[1].copy()


def replace_a_state(stepped):
    stepped.states[2] = tuple(part.copy() for part in stepped.states[2])


def make_lists_of_states(stepped):
    stepped.states = [list(state) for state in stepped.states]


def make_tuples(stepped):
    stepped.weights, stepped.grads = tuple(stepped.weights), tuple(stepped.grads)


def move_in_place(stepped):
    stepped.weights[3].resize(2000, refcheck=False)
    stepped.weights[3].resize(1000, refcheck=False)


def reshape_all(stepped):
    for array in (stepped.weights[0], stepped.grads[0], *stepped.states[0]):
        array.shape = (10, 100)
    for array in (stepped.copies[0], *stepped.copied[0]):
        array.shape = (10, 100)


def reorder(stepped):
    for values in (
        stepped.indices,
        stepped.weights,
        stepped.grads,
        stepped.states,
        stepped.copies,
        stepped.copied,
    ):
        values.reverse()


def set_multipliers(stepped):
    for optimizer in (stepped.one, stepped.many):
        optimizer.set_lr_mult({0: 0.5, 3: 0.0})
        optimizer.set_wd_mult({1: 3})


def name_indices(stepped):
    for optimizer in (stepped.one, stepped.many):
        optimizer.idx2name = {0: "fc_weight"}
        optimizer.set_lr_mult({"fc_weight": 7})


def set_hyperparameters(stepped):
    for optimizer in (stepped.one, stepped.many):
        optimizer.beta1, optimizer.rescale_grad, optimizer.wd, optimizer.lr = 0.5, 3, 0.1, 0.2


def set_counts(stepped):
    for optimizer in (stepped.one, stepped.many):
        optimizer._index_update_count[2] = 40
        del optimizer._index_update_count[0]


def step_one_alone(stepped):
    for optimizer, weights, states in (
        (stepped.one, stepped.copies, stepped.copied),
        (stepped.many, stepped.weights, stepped.states),
    ):
        optimizer.update(2, weights[2], stepped.grads[2], states[2])


CHANGES = [
    replace_grads,
    replace_a_weight,
    replace_a_state,
    make_lists_of_states,
    make_tuples,
    move_in_place,
    reshape_all,
    reorder,
    set_multipliers,
    name_indices,
    set_hyperparameters,
    set_counts,
    step_one_alone,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_between_steps_is_noticed(change):
    stepped = Stepped(wd=0.01)
    for _ in range(2):
        stepped.step()
    change(stepped)
    for _ in range(2):
        stepped.step()
    stepped.assert_equal()


def refused_lock(weights, grads, states):
    weights[1].flags.writeable = False


def refused_shrink(weights, grads, states):
    weights[1].resize(500, refcheck=False)


def refused_dtype(weights, grads, states):
    states[1][0].dtype = np.int32


def refused_shape(weights, grads, states):
    grads[1].shape = (10, 100)


def refused_swap(weights, grads, states):
    states[1], states[2] = states[1], (states[1][0], states[2][1])


def refused_kind(weights, grads, states):
    weights[1] = weights[1].tolist()


def refused_state(weights, grads, states):
    states[1] = states[1][:1]


@pytest.mark.parametrize(
    "change",
    [
        refused_lock,
        refused_shrink,
        refused_dtype,
        refused_shape,
        refused_swap,
        refused_kind,
        refused_state,
    ],
)
def test_what_no_longer_fits_is_refused_and_changes_nothing(change):
    optimizer = mx.optimizer.create("adam")
    weights, grads = arrays()
    states = [optimizer.create_state(i, w) for i, w in enumerate(weights)]
    given = list(range(COUNT)), weights, grads, states
    optimizer.update(*given)
    change(weights, grads, states)
    before = [np.copy(weight) for weight in weights]
    for _ in range(2):
        with pytest.raises((TypeError, ValueError), match=r"expected .*, got "):
            optimizer.update(*given)
    for weight, kept in zip(weights, before, strict=True):
        np.testing.assert_array_equal(weight, kept)
    assert optimizer.num_update == 1
    assert optimizer._index_update_count == dict.fromkeys(range(COUNT), 1)


def test_arrays_are_not_kept_alive():
    optimizer = mx.optimizer.create("adam")
    weights, grads = arrays()
    states = [optimizer.create_state(i, w) for i, w in enumerate(weights)]
    for _ in range(2):
        optimizer.update(list(range(COUNT)), weights, grads, states)
        optimizer.update(0, weights[0], grads[0], states[0])
    alive = [weakref.ref(array) for array in (*weights, *grads)]
    del weights, grads, states
    assert not [array for array in alive if array() is not None]


def test_multipliers_and_names_are_read_only():
    optimizer = mx.optimizer.create("sgd", param_idx2name={0: "fc_weight"})
    for mapping in (optimizer.lr_mult, optimizer.wd_mult, optimizer.idx2name):
        with pytest.raises(TypeError, match="does not support item assignment"):
            mapping[0] = 1


def peak_of_a_step(count, size, dtype):
    """Return the most bytes that a step of so many tensors holds at a time, once it is known."""
    weights = [np.ones(size, dtype) for _ in range(count)]
    grads = [np.ones(size, dtype) for _ in range(count)]
    optimizer = mx.optimizer.create("adam", multi_precision=True)
    states = [optimizer.create_state(i, w) for i, w in enumerate(weights)]
    given = list(range(count)), weights, grads, states
    for _ in range(2):
        optimizer.update(*given)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        optimizer.update(*given)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_step_allocates_nothing_that_grows(dtype):
    peaks = [peak_of_a_step(*shape, dtype) for shape in ((1, 10), (1, 1_000_000), (1000, 100))]
    assert max(peaks) < 5000  # Python's own objects, of a fixed number


def dtype_at(address, candidates):
    """Return a dtype object that lies where another one was, or the last that was tried."""
    kept = []
    for make in candidates:
        kept.append(make())
        if id(kept[-1]) == address:
            break
    return kept[-1]


@pytest.mark.parametrize(
    ("first", "second"), [("f8", "f4"), ("f4", "f8"), ("f4", "i4"), ("f4", ">f4"), ("f2", "f4")]
)
def test_another_dtype_where_a_dtype_object_was(first, second):
    """NumPy frees dtype objects, and puts others where they were."""
    size = 64
    memory, grads = np.zeros(16 * size, np.uint8), np.zeros(16 * size, np.uint8)
    optimizer = mx.optimizer.create("sgd", learning_rate=1.0)

    def arrays(dtype):
        length = size * dtype.itemsize
        weight, grad = memory[:length].view(dtype), grads[:length].view(dtype)
        weight[:], grad[:] = 0, 1
        return weight, grad

    dtype = np.dtype(first, metadata={"a": 1})
    for _ in range(2):
        optimizer.update(0, *arrays(dtype), None)
    address = id(dtype)
    del dtype
    gc.collect()
    dtype = dtype_at(address, [lambda: np.dtype(second, metadata={"a": 1})] * 1000)
    memory[:] = 0
    weight, grad = arrays(dtype)
    memory[weight.nbytes :] = 7
    if second in ("f4", "f8"):
        optimizer.update(0, weight, grad, None)
        np.testing.assert_array_equal(weight, -1)
    else:
        with pytest.raises(TypeError, match="dtype of weight: expected"):
            optimizer.update(0, weight, grad, None)
        np.testing.assert_array_equal(weight, 0)
    assert set(memory[weight.nbytes :]) == {7}


NAMED_BFLOAT16 = """
import numpy as np, weightopt_core as mx
void = type("bfloat", (np.void,), {})
narrow, wide = np.dtype((void, 2)), np.dtype((void, 16))
assert narrow.name == "bfloat16", narrow.name
sgd = mx.optimizer.create("sgd", learning_rate=1.0)
for dtype in (narrow, wide):
    weight, grad = np.zeros(100, dtype), np.zeros(100, dtype)
    for _ in range(3):
        try:
            sgd.update(0, weight, grad, None)
        except TypeError as error:
            assert "dtype of weight: expected" in str(error), error
        else:
            raise SystemExit(f"{dtype!r} was taken")
    assert weight.tobytes() == bytes(weight.nbytes)
import ml_dtypes
weight = np.zeros(100, ml_dtypes.bfloat16)
sgd.update(0, weight, np.ones(100, ml_dtypes.bfloat16), None)
assert set(weight.tolist()) == {-1.0}
"""


def test_a_void_type_of_the_name_of_bfloat16():
    done = subprocess.run(
        [sys.executable, "-c", NAMED_BFLOAT16], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
