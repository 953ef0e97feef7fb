"""What is remembered of a step is what the next one has: sizes, memory, numbers and counts."""

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest

import weightopt_core as mx

FACTOR = 1.0


@mx.update_rule
def scaled(weight, grad, *, lr):
    return weight - FACTOR * lr * grad


@pytest.mark.parametrize("sizes", [(4, 8), (8, 4)])
@pytest.mark.parametrize("count", [1, 2])
def test_views_of_another_length_at_the_same_address(sizes, count):
    """Every element of what is given is stepped, and none beyond."""
    optimizer = mx.optimizer.create("sgd", learning_rate=1.0, momentum=0.5)
    weights, grads, states = ([np.zeros(8) for _ in range(count)] for _ in range(3))
    for grad in grads:
        grad[:] = 1.0
    for size in (sizes[0], sizes[0], sizes[1]):
        given = ([array[:size] for array in arrays] for arrays in (weights, grads, states))
        optimizer.update(list(range(count)), *given)
    short, long = ([-4.25] * 4, [-1.0] * 4) if sizes == (4, 8) else ([-4.25] * 4, [-2.5] * 4)
    for weight in weights:
        assert weight.tolist() == short + long


def test_a_view_that_grows_into_the_memory_of_the_next_weight():
    optimizer = mx.optimizer.create("sgd", learning_rate=1.0)
    memory, grads = np.zeros(8), [np.ones(8), np.ones(8)]

    def update(size):
        given = [memory[:size], memory[4:]], [grads[0][:size], grads[1][:4]], [None, None]
        optimizer.update([0, 1], *given)

    for _ in range(2):
        update(4)
    for _ in range(2):
        with pytest.raises(ValueError, match="expected arrays apart, got an overlap in memory"):
            update(6)
    assert memory.tolist() == [-2] * 8
    assert optimizer._index_update_count == {0: 2, 1: 2}
    update(3)
    assert memory.tolist() == [-3] * 3 + [-2] + [-3] * 4


def test_a_number_from_outside_the_rule_that_changes_between_steps(monkeypatch):
    optimizer = type("Scaled", (mx.Optimizer,), {"rule": scaled})(learning_rate=1.0)
    weight = np.zeros(2)
    for factor in (1.0, 1.0, 10.0, 100.0):
        monkeypatch.setitem(globals(), "FACTOR", factor)
        optimizer.update(0, weight, np.ones(2), None)
        assert optimizer.constants(0, 5) == (factor,)  # what a compiled form takes
    assert weight.tolist() == [-112.0] * 2


def test_counts_that_are_loaded_are_those_that_go_on():
    updater, other = (mx.optimizer.get_updater(mx.optimizer.create("adam")) for _ in range(2))
    weight, used = np.ones(2), np.ones(2)
    for _ in range(5):
        updater([0], [np.ones(2)], [weight])
    for _ in range(2):
        other([0], [np.ones(2)], [used])
    other.set_states(updater.get_states())
    used[:] = weight
    updater([0], [np.ones(2)], [weight])
    other([0], [np.ones(2)], [used])
    assert other.optimizer._index_update_count == {0: 6}
    np.testing.assert_array_equal(used, weight)


def test_ever_other_lists_leave_few_calls():
    optimizer = mx.optimizer.create("sgd")

    def calls():
        gc.collect()
        return sum(type(thing).__name__ == "Call" for thing in gc.get_objects())

    before = calls()
    weights, grads = [np.ones(1), np.ones(1)], [np.ones(1), np.ones(1)]
    for i in range(100):
        optimizer.update([i, i + 1000], weights, grads, [None, None])
        optimizer.update([i % 3, 5], weights, grads, [None, None])
    assert 0 < calls() - before <= 16


class Lamb(mx.optimizer.LAMB):
    """Does something while the norms of the step are measured."""

    when: Callable

    def _numbers_at(self, rule, index, turn):
        self.when(index)
        return super()._numbers_at(rule, index, turn)


def lamb(when):
    optimizer = Lamb(learning_rate=0.5)
    optimizer.when = when
    weights = [np.linspace(1, 2, 50, dtype=np.float32) for _ in range(2)]
    grads = [np.linspace(-1, 3, 50, dtype=np.float32) * (i + 1) for i in range(2)]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    return optimizer, weights, grads, states


def test_gradients_that_go_while_norms_are_measured_are_kept_for_the_step():
    weights, alive = [], []

    def empty(given, refs):
        given.clear()
        alive.append([ref() is not None for ref in refs])

    for empties in (False, True):
        optimizer, stepped, grads, states = lamb(lambda index: None)
        for _ in range(3):
            given = [grad.copy() for grad in grads]
            optimizer.update([0, 1], stepped, given, states)
        given = [grad.copy() for grad in grads]
        optimizer.update([0, 1], stepped, given, states)  # so that these are known
        if empties:
            refs = [weakref.ref(grad) for grad in given]
            optimizer.when = lambda index, given=given, refs=refs: empty(given, refs)
        optimizer.update([0, 1], stepped, given, states)
        weights.append(stepped)
        assert optimizer.num_update == 5
    np.testing.assert_array_equal(*weights)
    assert alive == [[True, True]] * 2


def test_a_third_step_with_norms_that_fails_changes_nothing():
    optimizer, weights, grads, states = lamb(lambda index: None)
    given = [0, 1], weights, grads, states
    for _ in range(2):
        optimizer.update(*given)
    before = [array.copy() for array in (*weights, *states[0], *states[1])]
    fails = iter([None])

    def when(index):
        if next(fails, "over") == "over":
            raise RuntimeError("no number")

    optimizer.when = when
    with pytest.raises(RuntimeError, match="no number"):
        optimizer.update(*given)
    for array, kept in zip((*weights, *states[0], *states[1]), before, strict=True):
        np.testing.assert_array_equal(array, kept)
    assert optimizer._index_update_count == {0: 2, 1: 2}
    assert optimizer.num_update == 2
    optimizer.when = lambda index: None
    optimizer.update(*given)
    assert optimizer._index_update_count == {0: 3, 1: 3}
