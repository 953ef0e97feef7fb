"""What a step refuses: by one clear error in torch's words, with nothing changed."""

import pytest

torch = pytest.importorskip("torch")

import weightopt_torch
from torch import nn
from unchanged import assert_unchanged, everything, trained

import weightopt_core as wo


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
    optimizer.param_groups[1]["lr"] = 0.1
    assert_unchanged(before, [*params, other], optimizer)


@pytest.mark.parametrize("key", ["beta1", "lr", "maximize", "multi_precision"])
@pytest.mark.parametrize("number", [0, 1])
def test_a_group_lacks_a_setting(key, number):
    params, optimizer = trained()
    late = nn.Parameter(torch.ones(2))
    optimizer.add_param_group({"params": [("late", late)]})
    late.grad = torch.ones(2)
    params.append(late)
    before = everything(params, optimizer)
    kept = optimizer.param_groups[number].pop(key)
    with pytest.raises(ValueError, match=f"a parameter group: expected the settings {key}, got no"):
        optimizer.step()
    optimizer.param_groups[number][key] = kept
    assert_unchanged(before, params, optimizer)
    optimizer.step()


def test_groups_that_nobody_has_announced():
    params, optimizer = trained()
    late = nn.Parameter(torch.ones(2))
    late.grad = torch.ones(2)
    before = everything([*params, late], optimizer)
    optimizer.param_groups.append({**optimizer.param_groups[0], "params": [late]})
    with pytest.raises(ValueError, match="param_groups: expected 1 groups, got 2; add one by add_"):
        optimizer.step()
    optimizer.param_groups.pop()
    assert_unchanged(before, [*params, late], optimizer)
    optimizer.param_groups.clear()
    with pytest.raises(ValueError, match="param_groups: expected 1 groups, got 0"):
        optimizer.step()


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
