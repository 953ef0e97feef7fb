"""States in bfloat16 and in 8 bits: what is refused, and how that is worded."""

import sys

import ml_dtypes
import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.backends.interface import STATE_FORMS

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


#: What `state_dtype` may be, and the dtype of the arrays.
KINDS = {"bfloat16": "bfloat16", "int8": "uint8"}
every_kind = pytest.mark.parametrize("kind", KINDS)


def create(name, kind="bfloat16"):
    return mx.optimizer.create(name, state_dtype=kind)


def test_states_of_another_dtype_are_refused():
    weight, grad = np.ones(3, np.float32), np.ones(3, np.float32)
    plain, halved, quantized = mx.optimizer.create("adam"), create("adam"), create("adam", "int8")
    cases = [
        (plain, halved, r"expected float32, got bfloat16; .* without state_dtype, and so must"),
        (plain, quantized, r"expected float32, got uint8; .* without state_dtype, and so must"),
        (halved, plain, r"expected bfloat16, got float32; .* with state_dtype='bfloat16', and"),
        (halved, quantized, r"expected bfloat16, got uint8; .* with state_dtype='bfloat16', and"),
        (quantized, plain, r"expected uint8, got float32; .* with state_dtype='int8', and so"),
        (quantized, halved, r"expected uint8, got bfloat16; .* with state_dtype='int8', and so"),
    ]
    for optimizer, other, match in cases:
        for _ in range(2):
            with pytest.raises(TypeError, match=r"dtype of state 'mean': " + match):
                optimizer.update(0, weight, grad, other.create_state(0, weight))
    assert (weight == 1).all()


def test_states_of_another_size_are_refused():
    optimizer = create("adam", "int8")
    weight, grad = np.ones((20, 30), np.float32), np.ones((20, 30), np.float32)
    mean, var = optimizer.create_state(0, weight)
    expected = r"shape of state '(mean|var)': expected \(612,\), got "
    for wrong in (mean[:-1].copy(), np.append(mean, mean[:1]), mean.reshape(2, 306), mean[:608]):
        for state in ((wrong, var), (mean, wrong)):
            with pytest.raises(ValueError, match=expected):
                optimizer.update(0, weight, grad, state)
    for strided, match in ((np.repeat(mean, 2)[::2], "a C-contiguous array"), (var, "overlap")):
        with pytest.raises(ValueError, match=match):
            optimizer.update(0, weight, grad, (strided, var))
    read_only = mean.copy()
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="state 'mean': expected a writable array"):
        optimizer.update(0, weight, grad, (read_only, var))
    for other in (np.int8, np.uint16, np.bool_):
        with pytest.raises(TypeError, match="dtype of state 'mean': expected uint8"):
            optimizer.update(0, weight, grad, (mean.astype(other), var))
    assert (weight == 1).all()
    assert optimizer.num_update == 0
    optimizer.update(0, weight, grad, (mean, var))


def test_bytes_are_neither_weights_nor_gradients():
    optimizer, state = create("adam", "int8"), np.zeros(5, np.uint8)
    numbers, wrong = np.ones(1, np.float32), np.ones(1, np.uint8)
    for weight, grad, name in ((numbers, wrong, "grad"), (wrong, numbers, "weight")):
        with pytest.raises(TypeError, match=f"dtype of {name}: expected .*, got uint8"):
            optimizer.update(0, weight, grad, (state, state.copy()))


def test_a_state_that_changes_between_steps_is_seen():
    optimizer = create("sgd", "int8")
    optimizer.momentum = 0.9
    weight, grad = np.ones(300, np.float32), np.ones(300, np.float32)
    state = optimizer.create_state(0, weight)
    assert state.shape == (308,)
    optimizer.update(0, weight, grad, state)
    with pytest.raises(ValueError, match=r"shape of state 'mom': expected \(308,\), got \(307,\)"):
        optimizer.update(0, weight, grad, state[:307])
    optimizer.update(0, weight, grad, state)
    assert optimizer.num_update == 2


def test_a_loaded_state_of_another_size_is_refused():
    saved = mx.optimizer.get_updater(create("adam", "int8"))
    saved(0, np.ones(10, np.float32), np.ones(10, np.float32))
    for size in (9, 11, 300):
        other = mx.optimizer.get_updater(create("adam", "int8"))
        other.set_states(saved.get_states())
        with pytest.raises(ValueError, match=r"loaded state of 0: expected \(uint8.*, got \(uint8"):
            other(0, np.ones(size, np.float32), np.ones(size, np.float32))


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


@every_kind
def test_float64_weights_are_refused(kind):
    weight = np.ones(3)
    optimizer = create("adam", kind)
    match = rf"dtype of weight: expected .* with state_dtype='{kind}', got float64; leave"
    with pytest.raises(ValueError, match=match):
        optimizer.create_state(0, weight)
    with pytest.raises(ValueError, match=match):
        optimizer.update(0, weight, weight.copy(), (np.zeros(3, BFLOAT16), np.zeros(7, np.uint8)))
    assert optimizer.num_update == 0


@every_kind
def test_rules_without_states_have_nothing_to_round(kind):
    for name in ("sgd", "sgld"):
        optimizer = mx.optimizer.create(name, state_dtype=kind)
        weight = np.ones(3)
        assert optimizer.create_state(0, weight) is None
        optimizer.update(0, weight, np.ones(3), None)


@mx.update_rule
def noisy(weight, grad, state, noise):
    return weight - noise, state


class Noisy(mx.Optimizer):
    """A rule with both noise and a state."""

    rule = noisy


@every_kind
def test_a_rule_that_draws_noise_is_refused(kind):
    weight = np.ones(3, np.float32)
    for call in (
        lambda optimizer: optimizer.create_state(0, weight),
        lambda optimizer: optimizer.update(0, weight, weight.copy(), np.zeros(3, BFLOAT16)),
    ):
        with pytest.raises(ValueError, match=r"state_dtype: expected None for the rule 'noisy'"):
            call(Noisy(state_dtype=kind))
    assert (weight == 1).all()


def test_without_ml_dtypes_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(ImportError, match=r"pip install \"weightopt-core\[bf16\]\""):
        create("adam").create_state(0, np.ones(3, np.float32))
    create("adam", "int8").create_state(0, np.ones(3, np.float32))


def test_other_values_are_refused():
    for wrong in ("float16", "half", 16, True):
        with pytest.raises((TypeError, ValueError), match="state_dtype: expected None or 'bfloat"):
            mx.optimizer.create("adam", state_dtype=wrong)


def test_there_is_one_object_for_each_form_of_states():
    """A repeated step compares them by identity first."""
    for (master, states), form in STATE_FORMS.items():
        assert (form.master, form.states) == (master, states)
    assert STATE_FORMS[True, None] is STATE_FORMS[1, None]
