"""Subclasses of NumPy arrays are seen as arrays, and masked elements are refused."""

import tempfile

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core import Optimizer, update_rule
from weightopt_core.backends import backend_of, cpu
from weightopt_core.testing.subject import Subject


@update_rule
def interpreted(weight, grad, mean, *, lr, rescale_grad):
    mean = 0.9 * mean + (rescale_grad * grad) * (grad * grad)
    return weight - lr * mean * weight, mean


class Interpreted(Optimizer):
    rule = interpreted


MAKERS = {
    "a rule on NumPy": lambda: Interpreted(learning_rate=0.1),
    "a compiled rule": lambda: mx.optimizer.create("adam", learning_rate=0.1),
    "a rule with norms": lambda: mx.optimizer.create("lamb", learning_rate=0.1),
}


class Own(np.ndarray):
    """An array that computes and indexes in its own way."""

    def __array_finalize__(self, made_from):
        self.note = getattr(made_from, "note", None)

    def __getitem__(self, key):
        raise RuntimeError("its own items")

    def __mul__(self, other):
        raise RuntimeError("its own product")

    __rmul__ = __mul__

    def reshape(self, *shape):
        raise RuntimeError("its own shapes")


def mapped(values):
    with tempfile.TemporaryFile() as file:
        made = np.memmap(file, values.dtype, "w+", shape=values.shape)
    made[...] = values
    return made


KINDS = {
    "matrix": lambda values: np.asmatrix(values.copy()),
    "memmap": mapped,
    "recarray": lambda values: values.copy().view(np.recarray),
    "own": lambda values: values.copy().view(Own),
    "masked nowhere": lambda values: np.ma.MaskedArray(values.copy()),
    "masked False": lambda values: np.ma.MaskedArray(values.copy(), mask=np.zeros(values.shape)),
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
each_optimizer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def plain(values):
    return np.ndarray.view(values, np.ndarray)


def stepped(make, weight, grad, state=None):
    optimizer = make()
    state = optimizer.create_state(0, weight) if state is None else state
    for _ in range(2):
        optimizer.update(0, weight, grad, state)
    return weight, *(state if isinstance(state, (tuple, list)) else [state])


@each_kind
@each_optimizer
@pytest.mark.parametrize("shape", [(1, 20_000), (3, 3)])
def test_subclasses_are_stepped_as_arrays(kind, make, shape, rng):
    weight, grad = rng.normal(size=(2, *shape)).astype(np.float32)
    expected = stepped(make, weight.copy(), grad)
    zeros = [np.zeros(shape, np.float32) for _ in expected[1:]]
    of_kind = [kind(zero) for zero in zeros]
    runs = [
        stepped(make, kind(weight), grad),
        stepped(make, weight.copy(), kind(grad)),
        stepped(make, weight.copy(), grad, of_kind[0] if len(of_kind) == 1 else of_kind),
        stepped(make, kind(weight), kind(grad)),
    ]
    for run in runs:
        for got, wanted in zip(run, expected, strict=True):
            np.testing.assert_array_equal(plain(got), wanted)
        assert all(type(state) is np.ndarray for state in runs[0][1:])


@each_kind
@pytest.mark.parametrize("name", mx.init.registry.names())
def test_subclasses_are_initialized_as_arrays(kind, name):
    subject = Subject(mx.init.registry.find(name))
    if kind is KINDS["matrix"] and len(subject.shape) != 2:
        pytest.skip("no matrix has such a shape")
    runs = []
    for make in (np.copy, kind):
        mx.random.seed(3)
        given = make(np.full(subject.shape, np.nan, np.float32))
        subject.create()("fc_weight", given)
        runs.append(plain(given))
    np.testing.assert_array_equal(*runs)


@each_kind
@pytest.mark.parametrize("shape", [(1, 20_000), (200, 30)])
def test_subclasses_are_clipped_as_arrays(kind, shape, rng):
    values = rng.normal(size=shape).astype(np.float32)
    got = kind(values)
    assert mx.optimizer.global_norm([got]) == mx.optimizer.global_norm([values])
    assert mx.optimizer.clip_global_norm([got], 1.0) == mx.optimizer.clip_global_norm([values], 1.0)
    np.testing.assert_array_equal(plain(got), values)


MASKED = "expected an array without masked elements, got one with 2 of 4 masked; pass .filled"


@each_optimizer
@pytest.mark.parametrize("argument", ["weight", "grad", "state 'mean'"])
def test_masked_elements_are_refused_everywhere(make, argument):
    given = {name: np.ones(4, np.float32) for name in ("weight", "grad", "state 'mean'")}
    given["rest"] = np.ones(4, np.float32)
    given[argument] = np.ma.MaskedArray(given[argument], mask=[0, 1, 0, 1])
    optimizer = make()
    weight, grad, *state = given.values()
    state = state[0] if len(optimizer.rule.states) == 1 else state
    with pytest.raises(ValueError, match=f"{argument}: {MASKED}"):
        optimizer.update(0, weight, grad, state)
    assert all((np.asarray(values) == 1).all() for values in given.values())
    assert optimizer.num_update == 0


def test_masked_elements_are_refused_by_functions_too():
    given = np.ma.MaskedArray(np.full(4, 10, np.float32), mask=[0, 1, 0, 1])
    calls = {
        r"arrays\[0\]": lambda: mx.optimizer.global_norm([given]),
        r"arrays\[1\]": lambda: mx.optimizer.clip_global_norm([np.ones(3), given], 1.0),
        "array of 'a_weight'": lambda: mx.init.One()("a_weight", given),
        "weight": lambda: mx.optimizer.create("adam").create_state(0, given),
    }
    for argument, call in calls.items():
        with pytest.raises(ValueError, match=f"{argument}: {MASKED}"):
            call()
    assert (given.data == 10).all()
    assert given.mask.tolist() == [False, True, False, True]


def test_views_are_exact_and_share_memory():
    for make in KINDS.values():
        given = make(np.ones((2, 3), np.float32))
        seen = cpu.view(given, "array")
        assert type(seen) is np.ndarray
        seen[0, 0] = 7
        assert plain(given)[0, 0] == 7
        assert backend_of(given) is cpu
