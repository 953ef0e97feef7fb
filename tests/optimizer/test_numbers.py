"""Numbers that an optimizer gives to its rule beside its hyperparameters."""

import numpy as np
import pytest

import weightopt_core as mx


@mx.update_rule
def ramped(weight, grad, *, lr, ramp, scale):
    return weight - lr * ramp * scale * grad


class Ramped(mx.Optimizer):
    rule = ramped
    scale = mx.hyperparameters.Real(1.0)

    def numbers(self, index, t):
        return {"ramp": min(1.0, t / 4), "of no rule": index}


def path(optimizer, index=0):
    weight = np.zeros(1)
    lengths = []
    for _ in range(6):
        before = weight.copy()
        optimizer.update(index, weight, -np.ones(1), None)
        lengths.append((weight - before)[0])
    return lengths


def test_a_number_may_follow_the_count():
    assert path(Ramped(learning_rate=1)) == [0.25, 0.5, 0.75, 1, 1, 1]
    assert path(Ramped(learning_rate=1, begin_num_update=3)) == [1] * 6


def test_it_goes_before_what_the_optimizer_has():
    class Layerwise(Ramped):
        def numbers(self, index, t):
            return super().numbers(index, 4) | {"scale": 0.5, "lr": 2 * self._get_lr(index) * index}

    assert path(Layerwise(learning_rate=1, scale=8), 3) == [3] * 6


def test_a_failure_leaves_the_count():
    class Broken(Ramped):
        def numbers(self, index, t):
            raise RuntimeError("no number")

    optimizer, weight = Broken(), np.ones(2)
    with pytest.raises(RuntimeError, match="no number"):
        optimizer.update(0, weight, weight.copy(), None)
    assert (optimizer.num_update, optimizer._index_update_count) == (0, {})
    np.testing.assert_array_equal(weight, 1)


def test_numbers_may_have_other_names_for_each_index():
    class Damped(mx.optimizer.Adam):
        def numbers(self, index, t):
            return {} if index == 0 else {"beta1": 0.5} if index == 1 else {"lr": 7.0, "t": 3}

    indices = [0, 1, 2]
    together, alone = ([np.zeros(4, np.float32) for _ in indices] for _ in range(2))
    grads = [np.full(4, 1.0 + i, np.float32) for i in indices]
    many, one = Damped(), Damped()
    states = [many.create_state(i, w) for i, w in enumerate(together)]
    others = [one.create_state(i, w) for i, w in enumerate(alone)]
    for step in range(3):
        given = [grad * (step - 0.5) for grad in grads]
        many.update(indices, together, given, states)
        for i in indices:
            one.update(i, alone[i], given[i], others[i])
    np.testing.assert_array_equal(together, alone)
    assert len({weight[0] for weight in together}) == 3
