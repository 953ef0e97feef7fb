"""Several weights in one call: as one by one, and refused as a whole."""

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.testing.subject import Subject

SHAPES = [(3,), (), (0,), (200, 300), (7, 5), (70_001,)]


def arrays(rng, dtype, shaped=lambda shape: shape):
    return [np.asarray(rng.normal(size=shaped(shape)), dtype) for shape in SHAPES]


@pytest.mark.parametrize("name", mx.optimizer.registry.names())
@pytest.mark.parametrize("dtypes", [("float32",), ("float32", "float64", "float16")])
def test_as_one_by_one(name, dtypes, rng):
    runs = []
    for together in (True, False):
        mx.random.seed(1)
        subject = Subject(mx.optimizer.registry.find(name))
        if "many_at_once_are_one_by_one" in subject.cls.conformance.expected_failures:
            pytest.skip("weights of a call have a number in common")
        optimizer = subject.create(multi_precision=True)
        optimizer.set_lr_mult({0: 0.5, 4: 2.0})
        updater = mx.optimizer.get_updater(optimizer)
        generator = np.random.default_rng(3)
        drawn = [arrays(generator, "f8", subject.shaped) for _ in range(4)]
        weights = [w.astype(dtypes[i % len(dtypes)]) for i, w in enumerate(drawn[0])]
        for given in drawn[1:]:
            grads = [g.astype(w.dtype) for g, w in zip(given, weights, strict=True)]
            if together:
                updater(list(range(len(weights))), grads, weights)
            else:
                for index, (grad, weight) in enumerate(zip(grads, weights, strict=True)):
                    updater(index, grad, weight)
        runs.append((weights, optimizer._index_update_count, updater.get_states()))
    for one, other in zip(runs[0][0], runs[1][0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert runs[0][1:] == runs[1][1:]


def test_update_takes_lists_too(rng, dtype):
    optimizer = mx.optimizer.create("sgd", learning_rate=0.5, momentum=0.9)
    weights = arrays(rng, dtype)
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    expected = [weight - 0.5 * weight for weight in weights]
    optimizer.update(list(range(6)), weights, [weight.copy() for weight in weights], states)
    for weight, value in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_one_wrong_array_leaves_all_as_they_were():
    optimizer = mx.optimizer.create("adam")
    weights = [np.ones(3), np.ones(4)]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    with pytest.raises(ValueError, match=r"shape of grad: expected \(4,\), got \(3,\)"):
        optimizer.update([0, 1], weights, [np.ones(3), np.ones(3)], states)
    assert optimizer._index_update_count == {}
    assert all((weight == 1).all() for weight in weights)


@pytest.mark.parametrize(
    ("index", "grad", "message"),
    [
        ([0, 1], [np.ones(3)], "grad: expected a list of 2, one for each index, got 1"),
        ([0, 1], np.ones((2, 3)), "grad: expected a list of 2, one for each index, got a ndarray"),
        ([0, 1], {0: np.ones(3), 1: np.ones(3)}, "grad: expected a list of 2, .* got a dict"),
        ([0, 0], [np.ones(3)] * 2, "index: expected different indices"),
    ],
)
def test_lists_that_do_not_fit(index, grad, message):
    updater = mx.optimizer.get_updater(mx.optimizer.create("sgd"))
    with pytest.raises(ValueError, match=message):
        updater(index, grad, [np.ones(3), np.ones(3)])
    assert updater.states == {}


def test_nothing_to_update():
    mx.optimizer.get_updater(mx.optimizer.create("adam"))([], [], [])


def test_weights_that_share_memory_are_refused():
    memory = np.ones(10)
    optimizer = mx.optimizer.create("sgd")
    with pytest.raises(ValueError, match="overlap"):
        optimizer.update([0, 1], [memory[:6], memory[4:]], [np.ones(6), np.ones(6)], [None, None])
