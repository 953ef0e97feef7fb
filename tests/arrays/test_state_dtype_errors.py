"""States in bfloat16: what is refused, and how that is worded."""

import sys

import ml_dtypes
import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.backends.interface import STATE_FORMS

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def create(name):
    return mx.optimizer.create(name, state_dtype="bfloat16")


def test_states_of_another_dtype_are_refused():
    weight, grad = np.ones(3, np.float32), np.ones(3, np.float32)
    plain, halved = mx.optimizer.create("adam"), create("adam")
    cases = [
        (plain, halved, r"dtype of state 'mean': expected float32, got bfloat16; .* without"),
        (halved, plain, r"dtype of state 'mean': expected bfloat16, got float32; .* with state"),
    ]
    for optimizer, other, match in cases:
        for _ in range(2):
            with pytest.raises(TypeError, match=match):
                optimizer.update(0, weight, grad, other.create_state(0, weight))
    assert (weight == 1).all()


def test_the_option_may_change_between_steps():
    optimizer = mx.optimizer.create("adam")
    weight, grad = np.ones(3, ml_dtypes.bfloat16), np.ones(3, ml_dtypes.bfloat16)
    state = optimizer.create_state(0, weight)
    optimizer.update(0, weight, grad, state)
    optimizer.state_dtype = "bfloat16"
    optimizer.update(0, weight, grad, state)
    weight = np.ones(3, np.float32)
    halved = optimizer.create_state(1, weight)
    optimizer.update(1, weight, np.ones(3, np.float32), halved)
    optimizer.state_dtype = None
    with pytest.raises(TypeError, match="without state_dtype"):
        optimizer.update(1, weight, np.ones(3, np.float32), halved)


def test_float64_weights_are_refused():
    weight = np.ones(3)
    optimizer = create("adam")
    match = r"dtype of weight: expected .* with state_dtype='bfloat16', got float64; leave"
    with pytest.raises(ValueError, match=match):
        optimizer.create_state(0, weight)
    with pytest.raises(ValueError, match=match):
        optimizer.update(0, weight, weight.copy(), (np.zeros(3, BFLOAT16), np.zeros(3, BFLOAT16)))
    assert optimizer.num_update == 0


def test_rules_without_states_have_nothing_to_round():
    for name in ("sgd", "sgld"):
        optimizer = mx.optimizer.create(name, state_dtype="bfloat16")
        weight = np.ones(3)
        assert optimizer.create_state(0, weight) is None
        optimizer.update(0, weight, np.ones(3), None)


@mx.update_rule
def noisy(weight, grad, state, noise):
    return weight - noise, state


class Noisy(mx.Optimizer):
    """A rule with both noise and a state."""

    rule = noisy


def test_a_rule_that_draws_noise_is_refused():
    weight = np.ones(3, np.float32)
    for call in (
        lambda optimizer: optimizer.create_state(0, weight),
        lambda optimizer: optimizer.update(0, weight, weight.copy(), np.zeros(3, BFLOAT16)),
    ):
        with pytest.raises(ValueError, match=r"state_dtype: expected None for the rule 'noisy'"):
            call(Noisy(state_dtype="bfloat16"))
    assert (weight == 1).all()


def test_without_ml_dtypes_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(ImportError, match=r"pip install \"weightopt-core\[bf16\]\""):
        create("adam").create_state(0, np.ones(3, np.float32))


def test_other_values_are_refused():
    for wrong in ("float16", "half", 16, True):
        with pytest.raises((TypeError, ValueError), match="state_dtype: expected None or 'bfloat"):
            mx.optimizer.create("adam", state_dtype=wrong)


def test_there_is_one_object_for_each_form_of_states():
    """A repeated step compares them by identity first."""
    for (master, states), form in STATE_FORMS.items():
        assert (form.master, form.states) == (master, states)
    assert STATE_FORMS[True, None] is STATE_FORMS[1, None]
