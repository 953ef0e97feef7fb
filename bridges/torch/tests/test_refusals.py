"""What is refused when an optimizer is made, or a group added: nothing changes."""

import pytest

torch = pytest.importorskip("torch")

import weightopt_torch
from torch import nn
from unchanged import assert_unchanged, everything, trained

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


def test_new_groups_without_settings():
    """What torch fills in are the defaults of the optimizer, which others can change."""
    params, optimizer = trained()
    before = everything(params, optimizer)
    for key in ("lr", "maximize", "rescale_grad"):
        kept = optimizer.defaults.pop(key)
        with pytest.raises(ValueError, match=f"a parameter group: expected the settings {key}, "):
            optimizer.add_param_group({"params": [("late", nn.Parameter(torch.ones(2)))]})
        optimizer.defaults[key] = kept
        assert_unchanged(before, params, optimizer)
