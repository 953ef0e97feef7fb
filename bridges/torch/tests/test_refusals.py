"""What is refused: by one clear error in torch's words, with nothing changed."""

import pytest

torch = pytest.importorskip("torch")

import copy

import numpy as np
import weightopt_torch
from torch import nn

import weightopt_core as wo


def trained(name="adam", **given):
    """Return two parameters and their optimizer after a step."""
    params = {"fc.weight": nn.Parameter(torch.ones(2, 3)), "fc.bias": nn.Parameter(torch.ones(2))}
    optimizer = weightopt_torch.create(name, params.items(), lr=0.1, **given)
    for one in params.values():
        one.grad = torch.full_like(one, 0.5)
    optimizer.step()
    return [*params.values()], optimizer


def everything(params, optimizer):
    """Return copies of weights, states, counts and settings."""
    return [p.detach().clone() for p in params], copy.deepcopy(optimizer.state_dict())


def assert_unchanged(before, params, optimizer):
    weights, saved = before
    assert all(torch.equal(p, old) for p, old in zip(params, weights))
    found = optimizer.state_dict()
    assert found["state"].keys() == saved["state"].keys()
    for number, state in saved["state"].items():
        assert state.keys() == found["state"][number].keys()
        assert all(torch.equal(value, found["state"][number][k]) for k, value in state.items())


CREATED = [
    ({"lr": -1.0}, ValueError, "lr: expected a number in [0, inf), got -1.0"),
    ({"lr": float("nan")}, ValueError, "lr: expected a number in [0, inf), got nan"),
    ({"lr": "much"}, TypeError, "lr: expected a number in [0, inf), got 'much'"),
    ({"weight_decay": -0.1}, ValueError, "weight_decay: expected a number in [0, inf), got -0.1"),
    ({"weight_decay": None, "beta1": 1.0}, ValueError, "beta1: expected a number in [0, 1)"),
    ({"betas": (0.9, 0.99)}, TypeError, "has no 'betas'; did you mean 'beta1' or 'beta2'?"),
    ({"learning_rate": 0.1}, TypeError, "has no 'learning_rate' here; use lr"),
    ({"wd": 0.1}, TypeError, "has no 'wd' here; use weight_decay"),
    ({"param_idx2name": {}}, TypeError, "has no 'param_idx2name' here; use names"),
    ({"begin_num_update": 3}, TypeError, "use load_state_dict"),
    ({"on_nonfinite": "skip"}, TypeError, "'on_nonfinite' here; use torch.amp.GradScaler"),
    ({"maximize": "yes"}, TypeError, "maximize: expected True or False, got 'yes'"),
    ({"eps": 1e-8}, TypeError, "has no 'eps'; "),
    ({"state_dtype": "float8"}, ValueError, "state_dtype: expected "),
    ({"multi_precision": 2}, TypeError, "multi_precision: expected "),
    ({"offload": "cpu"}, TypeError, "offload: expected False or True, got 'cpu'"),
    ({"step_in_backward": 1}, TypeError, "step_in_backward: expected False or True, got 1"),
    ({"groups": ["*"]}, TypeError, "groups: expected a dict of pattern to settings"),
    ({"groups": {"*": {}}}, TypeError, "params: expected parameters with names for groups"),
]


@pytest.mark.parametrize(("given", "error", "message"), CREATED, ids=lambda v: str(v)[:30])
def test_arguments(given, error, message):
    with pytest.raises(error) as caught:
        weightopt_torch.create("adam", [nn.Parameter(torch.ones(2))], **given)
    assert message in str(caught.value)


def test_unknown_optimizers():
    with pytest.raises(ValueError, match="unknown optimizer 'adm'; did you mean 'adam'"):
        weightopt_torch.create("adm", [nn.Parameter(torch.ones(2))])
    with pytest.raises(AttributeError, match="Adm"):
        getattr(weightopt_torch, "Adm")  # noqa: B009


def test_patterns_that_fit_nothing():
    module = nn.Linear(2, 2)
    with pytest.raises(ValueError, match=r"a name that fits 'norm\*', got weight, bias"):
        weightopt_torch.create("adam", module, groups={"norm*": {"lr": 0.1}})
    with pytest.raises(TypeError, match="a parameter group has no 'weigt_decay'; did you mean"):
        weightopt_torch.create("adam", module, groups={"bias": {"weigt_decay": 0.1}})


PARAMETERS = {
    "sparse": (
        lambda: nn.Parameter(torch.eye(2).to_sparse()),
        "expected a strided parameter, got torch.sparse_coo",
    ),
    "complex": (
        lambda: nn.Parameter(torch.ones(2, dtype=torch.complex64)),
        "got torch.complex64; pass torch.view_as_real(...) of it",
    ),
    "integers": (
        lambda: nn.Parameter(torch.ones(2, dtype=torch.int32), requires_grad=False),
        "expected a parameter of dtype float16, bfloat16, float32, float64, got torch.int32",
    ),
    "float8": (
        lambda: nn.Parameter(torch.ones(2).to(torch.float8_e5m2), requires_grad=False),
        "got torch.float8_e5m2",
    ),
}


@pytest.mark.parametrize("kind", PARAMETERS)
def test_parameters(kind):
    make, message = PARAMETERS[kind]
    with pytest.raises(TypeError) as caught:
        weightopt_torch.create("adam", [("fc.weight", make())])
    assert f"fc.weight: {message}" in str(caught.value) or message in str(caught.value)
    assert "fc.weight" in str(caught.value)
    params, optimizer = trained()
    before = everything(params, optimizer)
    with pytest.raises(TypeError):
        optimizer.add_param_group({"params": [("other", make())]})
    assert len(optimizer.param_groups) == 1
    assert_unchanged(before, params, optimizer)
    optimizer.step()


def stepping(make_odd):
    """Return a good parameter, an odd one, and an optimizer of both with gradients."""
    good = nn.Parameter(torch.ones(3))
    odd = make_odd()
    optimizer = weightopt_torch.create("adam", [("good", good), ("odd", odd)], lr=0.1)
    good.grad = torch.ones(3)
    return good, odd, optimizer


ODD = {
    "meta": (
        lambda: nn.Parameter(torch.ones(3, device="meta")),
        TypeError,
        "odd: expected a parameter with memory, got one on meta",
    ),
    "gaps": (
        lambda: nn.Parameter(torch.ones(4, 6)[:, ::2]),
        ValueError,
        "odd: expected a parameter without gaps in memory, got strides (6, 2) for shape (4, 3)",
    ),
    "overlapping": (
        lambda: nn.Parameter(torch.ones(1, 3).expand(4, 3)),
        ValueError,
        "odd: expected a parameter without gaps in memory, got strides (0, 1)",
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_parameters_at_a_step(kind):
    make, error, message = ODD[kind]
    good, odd, optimizer = stepping(make)
    odd.grad = torch.ones_like(odd)
    with pytest.raises(error) as caught:
        optimizer.step()
    assert message in str(caught.value)
    assert torch.equal(good, torch.ones(3))
    assert optimizer.state_dict()["state"] == {}
    odd.grad = None
    optimizer.step()
    assert [int(s["step"]) for s in optimizer.state_dict()["state"].values()] == [1]


def test_sparse_gradients():
    module = nn.Embedding(4, 2, sparse=True)
    good = nn.Parameter(torch.ones(2))
    for given in ({}, {"offload": True}):
        optimizer = weightopt_torch.create("adam", [good, module.weight], lr=0.1, **given)
        good.grad = torch.ones(2)
        before = module.weight.detach().clone()
        module(torch.tensor([1, 2])).sum().backward()
        with pytest.raises(TypeError, match=r"grad: expected a dense gradient, got one of"):
            optimizer.step()
        assert torch.equal(good, torch.ones(2))
        assert torch.equal(module.weight, before)
        assert optimizer.state_dict()["state"] == {}
        module.weight.grad = None
        del optimizer


def test_gradients_of_another_dtype():
    params, optimizer = trained()
    before = everything(params, optimizer)
    if not hasattr(params[1], "grad_dtype"):
        pytest.skip("torch has no gradients of another dtype here")
    params[1].grad = None
    params[1].grad_dtype = None
    params[1].grad = torch.ones(2, dtype=torch.float64)
    with pytest.raises(TypeError, match="grad"):
        optimizer.step()
    assert_unchanged(before, params, optimizer)


CHANGED = [
    ("lr", -1.0, ValueError, "lr: expected a number in [0, inf), got -1.0"),
    ("lr", float("nan"), ValueError, "lr: expected a number in [0, inf), got nan"),
    ("lr", torch.tensor(float("nan")), ValueError, "lr: expected a number in [0, inf), got nan"),
    ("lr", torch.ones(2), ValueError, "lr: expected a number in [0, inf), got tensor([1., 1.])"),
    ("lr", "0.1", TypeError, "lr: expected a number in [0, inf), got '0.1'"),
    ("lr", None, TypeError, "lr: expected a number in [0, inf), got None"),
    ("weight_decay", -0.5, ValueError, "weight_decay: expected a number in [0, inf), got -0.5"),
    ("beta1", 2.0, ValueError, "beta1: expected a number in [0, 1), got 2.0"),
    ("maximize", 1, TypeError, "maximize: expected True or False, got 1"),
    ("rescale_grad", "x", TypeError, "rescale_grad: expected a number in (-inf, inf), got 'x'"),
    ("multi_precision", True, ValueError, "multi_precision of a group: expected False as before"),
    ("state_dtype", "bfloat16", ValueError, "state_dtype of a group: expected None as before"),
]


@pytest.mark.parametrize(("key", "value", "error", "message"), CHANGED, ids=str)
def test_settings_at_a_step(key, value, error, message):
    params, optimizer = trained()
    before = everything(params, optimizer)
    good = optimizer.param_groups[0][key]
    optimizer.param_groups[0][key] = value
    for _ in range(2):  # it is not taken the second time either
        with pytest.raises(error) as caught:
            optimizer.step()
        assert message in str(caught.value)
    optimizer.param_groups[0][key] = good
    assert_unchanged(before, params, optimizer)
    optimizer.step()
    others, expected = trained()
    expected.step()
    assert all(torch.equal(p, q) for p, q in zip(params, others))


def test_settings_of_a_later_group():
    params, optimizer = trained()
    other = nn.Parameter(torch.ones(2))
    optimizer.add_param_group({"params": [("late", other)]})
    other.grad = torch.ones(2)
    before = everything([*params, other], optimizer)
    optimizer.param_groups[1]["lr"] = -1
    with pytest.raises(ValueError, match="lr: expected"):
        optimizer.step()
    assert_unchanged(before, [*params, other], optimizer)


def test_a_group_lacks_a_setting():
    params, optimizer = trained()
    before = everything(params, optimizer)
    kept = optimizer.param_groups[0].pop("beta1")
    with pytest.raises((KeyError, ValueError), match="beta1"):
        optimizer.step()
    optimizer.param_groups[0]["beta1"] = kept
    assert_unchanged(before, params, optimizer)


def test_new_groups():
    params, optimizer = trained()
    before = everything(params, optimizer)
    late = nn.Parameter(torch.ones(2))
    for group, message in (
        ({"lr": -1.0}, "lr: expected"),
        ({"learning_rate": 0.1}, "a parameter group has no 'learning_rate' here; use lr"),
        ({"weigth_decay": 0.1}, "has no 'weigth_decay'; did you mean 'weight_decay'?"),
        ({"lr": "x"}, "lr: expected"),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            optimizer.add_param_group({"params": [("late", late)], **group})
        assert message in str(caught.value)
        assert len(optimizer.param_groups) == 1
    with pytest.raises(ValueError, match="some parameters appear in more than one"):
        optimizer.add_param_group({"params": [("fc.bias", params[1])]})
    assert_unchanged(before, params, optimizer)
    optimizer.add_param_group({"params": [("late", late)], "layer": 3})  # keys of one's own pass
    assert optimizer.param_groups[1]["layer"] == 3


def test_a_rate_and_a_scheduler_of_both_sides():
    weight = nn.Parameter(torch.ones(2))
    schedule = wo.lr_scheduler.create("factor", step=2, factor=0.5)
    optimizer = weightopt_torch.create("sgd", [weight], lr=0.5, lr_scheduler=schedule)
    other = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    weight.grad = torch.ones(2)
    optimizer.step()
    other.step()
    before = weight.detach().clone()
    with pytest.raises(ValueError, match=r"lr of a group: expected 0\.5, which the optimizer's"):
        optimizer.step()
    assert torch.equal(weight, before)
    for wrong in ("factor", 3, torch.optim.lr_scheduler.StepLR):
        with pytest.raises(TypeError, match="lr_scheduler"):
            weightopt_torch.create("sgd", [weight], lr_scheduler=wrong)


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
