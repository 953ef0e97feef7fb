import ml_dtypes
import numpy as np
import pytest
from weightopt_lookahead import Lookahead, lookahead

import weightopt_core as wo


def test_runs_compiled():
    assert lookahead.compiled.reason == ""


@pytest.mark.parametrize(("steps", "alpha"), [(1, 1.0), (2, 0.5), (5, 0.8)])
def test_it_is_the_formula_bit_for_bit(steps, alpha):
    rng = np.random.default_rng(0)
    optimizer = Lookahead(["sgd", {"learning_rate": 0.25}], steps, alpha)
    weight = rng.normal(size=7).astype(np.float32)
    state = optimizer.create_state(0, weight)
    fast = slow = weight.copy()
    for t in range(1, 12):
        grad = rng.normal(size=7).astype(np.float32)
        optimizer.update(0, weight, grad, state)
        fast = fast - np.float32(0.25) * grad
        if t % steps == 0:
            slow = slow + np.float32(alpha) * (fast - slow)
            fast = slow
        np.testing.assert_array_equal(weight, fast)
        np.testing.assert_array_equal(state[0], slow)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_with_a_master_copy_that_one_follows(dtype):
    optimizer = Lookahead(["adam", {"multi_precision": True}], steps=2)
    weight = np.ones(5, dtype)
    state = optimizer.create_state(0, weight)
    slow, (_, _, master) = state
    assert slow.dtype == master.dtype == np.float32
    for t in range(1, 5):
        optimizer.update(0, weight, np.full(5, 0.1, dtype), state)
        assert (slow == master).all() == (t % 2 == 0)
        np.testing.assert_array_equal(weight, master.astype(dtype))


def test_states_in_bfloat16_are_those_of_what_is_held():
    optimizer = Lookahead(["adam", {"state_dtype": "bfloat16"}])
    slow, states = optimizer.create_state(0, np.ones(3, np.float32))
    assert slow.dtype == np.float32
    assert {state.dtype.name for state in states} == {"bfloat16"}


def test_weights_of_a_list_have_turns_of_their_own():
    optimizer = Lookahead(["sgd", {"learning_rate": 1}], steps=2)
    weights = [np.zeros(2), np.zeros(2)]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    optimizer.update(1, weights[1], np.full(2, -1.0), states[1])
    optimizer.update([0, 1], weights, [np.full(2, -1.0)] * 2, states)
    assert [weight[0] for weight in weights] == [1, 1]


def test_a_refused_slow_weight_leaves_all_as_it_was():
    optimizer = Lookahead("adam", steps=1)
    weight = np.ones(3)
    slow, held = optimizer.create_state(0, weight)
    slow.flags.writeable = False
    with pytest.raises(ValueError, match="state 'slow'"):
        optimizer.update(0, weight, np.ones(3), (slow, held))
    assert (weight == 1).all()
    assert optimizer.num_update == 0


def test_the_slow_weight_follows_where_an_exception_comes_after_the_update():
    class Interrupted(wo.Optimizer):
        def update(self, index, weight, grad, state):
            weight -= grad
            self._update_count(index)
            raise KeyboardInterrupt

    optimizer = Lookahead(Interrupted(), steps=1)
    weight = np.zeros(2)
    state = optimizer.create_state(0, weight)
    with pytest.raises(KeyboardInterrupt):
        optimizer.update(0, weight, np.full(2, -1.0), state)
    assert (weight == 0.5).all()
