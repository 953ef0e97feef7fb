"""States that are refused: those of others, or not as they have to be."""

import pytest

torch = pytest.importorskip("torch")

import numpy as np
import weightopt_torch
from torch import nn
from unchanged import assert_unchanged, everything, trained


def from_torch(_):
    params = [nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.ones(2))]
    optimizer = torch.optim.Adam(params)
    for one in params:
        one.grad = torch.ones_like(one)
    optimizer.step()
    return optimizer.state_dict()


def changed(key, value):
    def change(saved):
        saved["state"][0][key] = value
        return saved

    return change


def without(key):
    def change(saved):
        del saved["state"][1][key]
        return saved

    return change


def of_another_algorithm(_):
    return trained("lion")[1].state_dict()


def fewer_parameters(saved):
    saved["param_groups"][0]["params"] = [0]
    return saved


def no_setting(saved):
    del saved["param_groups"][0]["beta1"]
    return saved


def no_direction(saved):
    del saved["param_groups"][0]["maximize"]
    return saved


def bad_rate(saved):
    saved["param_groups"][0]["lr"] = -1.0
    return saved


STATE_DICTS = {
    "of torch": (from_torch, ValueError, "expected one of Adam of weightopt, got one of another"),
    "of lion": (of_another_algorithm, ValueError, "expected one of Adam of weightopt, got one of"),
    "other shapes": (
        changed("mean", torch.zeros(3, 3)),
        ValueError,
        "shape of 'mean' in state of fc.weight: expected (2, 3), got (3, 3)",
    ),
    "other dtypes": (
        changed("mean", torch.zeros(2, 3, dtype=torch.float64)),
        TypeError,
        "dtype of 'mean' in state of fc.weight: expected torch.float32, got torch.float64",
    ),
    "no tensor": (changed("var", [1, 2]), TypeError, "'var' in state of fc.weight: expected a te"),
    "a text": (changed("var", "zeros"), TypeError, "'var' in state of fc.weight: expected a tenso"),
    "a key more": (changed("max", torch.ones(2, 3)), ValueError, "state of fc.weight: expected"),
    "a key less": (without("var"), ValueError, "state of fc.bias: expected mean, var, got mean"),
    "a count below 0": (changed("step", torch.tensor(-1)), ValueError, "'step' in state of fc.we"),
    "half a count": (changed("step", 1.5), ValueError, "'step' in state of fc.weight: expected an"),
    "many counts": (changed("step", torch.ones(2)), ValueError, "'step' in state of fc.weight"),
    "no dict": (
        lambda _: [1],
        TypeError,
        "state_dict: expected one of Adam of weightopt, got list",
    ),
    "a string": (lambda _: "adam.pt", TypeError, "state_dict: expected one of Adam of weightopt"),
    "none": (lambda _: None, TypeError, "state_dict: expected one of Adam of weightopt"),
    "an empty dict": (lambda _: {}, TypeError, "state_dict: expected one of Adam of weightopt"),
    "a state of text": (
        lambda saved: {**saved, "state": {0: "mean"}},
        TypeError,
        "state of fc.weight: expected a dict of tensors, got str",
    ),
    "states in a list": (lambda saved: {**saved, "state": [1]}, TypeError, "state_dict"),
    "groups of text": (lambda saved: {**saved, "param_groups": ["x"]}, TypeError, "state_dict"),
    "fewer parameters": (fewer_parameters, ValueError, "group"),
    "no setting": (no_setting, ValueError, "expected the settings beta1, got none of them"),
    "no direction": (no_direction, ValueError, "expected the settings maximize, got none of them"),
    "a bad rate": (bad_rate, ValueError, "lr: expected a number in [0, inf), got -1.0"),
}


@pytest.mark.parametrize("kind", STATE_DICTS)
def test_state_dicts(kind):
    change, error, message = STATE_DICTS[kind]
    params, optimizer = trained()
    before = everything(params, optimizer)
    saved = change(optimizer.state_dict())
    with pytest.raises(error) as caught:
        optimizer.load_state_dict(saved)
    assert message in str(caught.value)
    assert_unchanged(before, params, optimizer)
    optimizer.step()
    others, expected = trained()
    expected.step()
    assert all(torch.equal(p, q) for p, q in zip(params, others))


def test_states_that_are_put_in():
    params, optimizer = trained()
    optimizer.state[params[0]] = {"mean": torch.zeros(2, 3)}
    weights = [p.detach().clone() for p in params]
    with pytest.raises(ValueError, match=r"state of fc\.weight: expected mean, var, got mean"):
        optimizer.step()
    assert all(torch.equal(p, old) for p, old in zip(params, weights))
    optimizer.state.pop(params[0])
    optimizer.step()
    assert int(optimizer.state_dict()["state"][0]["step"]) == 1
    assert int(optimizer.state_dict()["state"][1]["step"]) == 2


def test_other_settings_of_states():
    params, optimizer = trained()
    saved = optimizer.state_dict()
    half = [(n, nn.Parameter(p.detach().bfloat16())) for n, p in zip(("a", "b"), params)]
    before = everything([p for _, p in half], other := weightopt_torch.create("adam", half))
    with pytest.raises((TypeError, ValueError), match=r"state|dtype"):
        other.load_state_dict(saved)
    assert_unchanged(before, [p for _, p in half], other)


def test_weights_of_float64_have_no_states_of_bfloat16():
    weight = nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimizer = weightopt_torch.create("adam", [weight], state_dtype="bfloat16")
    weight.grad = torch.ones_like(weight)
    with pytest.raises(ValueError, match="state_dtype"):
        optimizer.step()
    assert np.array_equal(weight.detach().numpy(), np.ones(3))
    assert optimizer.state_dict()["state"] == {}
