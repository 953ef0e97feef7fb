"""What training loops do with an optimizer, beside calling its step."""

import pytest

torch = pytest.importorskip("torch")

import numpy as np
import weightopt_torch
from numpy_twin import named, set_gradients
from torch import nn

import weightopt_core as wo


def parameter(*values, **kwargs):
    return nn.Parameter(torch.tensor(values, **kwargs))


def test_a_backward_pass_through_the_old_value_is_refused():
    weight = parameter(1.0, 2.0)
    loss = (weight**2).sum()
    weight.grad = torch.ones(2)
    weightopt_torch.create("sgd", [weight], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("name", ["sgd", "adamw", "lion"])
def test_maximize_turns_the_gradient_round(name):
    found = []
    for sign, maximize in ((1, False), (-1, True)):
        weight = parameter(1.0, -2.0)
        optimizer = weightopt_torch.create(name, [weight], weight_decay=0.1, maximize=maximize)
        for _ in range(3):
            weight.grad = sign * torch.tensor([0.5, 3.0])
            optimizer.step()
        found.append(weight.detach())
    assert torch.equal(*found)


def test_maximize_of_a_group_changes_between_steps():
    weight = parameter(1.0)
    optimizer = weightopt_torch.create("sgd", [weight], lr=1.0)
    for maximize, expected in ((False, 0.5), (True, 1.0), (False, 0.5)):
        optimizer.param_groups[0]["maximize"] = maximize
        weight.grad = torch.tensor([0.5])
        optimizer.step()
        assert weight.item() == expected


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))


def test_patterns_of_names_choose_groups():
    module = network()
    groups = {"*.bias|1.*": {"weight_decay": 0.0}, "2.*": {"lr": 0.5}}
    optimizer = weightopt_torch.create("lion", module, lr=0.1, weight_decay=0.01, groups=groups)
    found = [
        (group["param_names"], group["weight_decay"], group["lr"])
        for group in optimizer.param_groups
    ]
    assert found == [
        (["0.weight"], 0.01, 0.1),
        (["0.bias", "1.weight", "1.bias", "2.bias"], 0.0, 0.1),
        (["2.weight"], 0.01, 0.5),
    ]
    before = module[1].bias.detach().clone()
    for one in module.parameters():
        one.grad = torch.zeros_like(one)
    optimizer.step()
    assert torch.equal(module[1].bias, before)


def test_biases_decay_unless_groups_say_otherwise():
    """As in torch, and not by MXNet's rule of names, whether or not parameters have any."""
    for params in (lambda m: m.parameters(), lambda m: m.named_parameters()):
        module = network()
        optimizer = weightopt_torch.create("sgd", params(module), lr=1.0, weight_decay=0.5)
        before = {name: p.detach().clone() for name, p in module.named_parameters()}
        for one in module.parameters():
            one.grad = torch.zeros_like(one)
        optimizer.step()
        for name, one in module.named_parameters():
            assert torch.equal(one, 0.5 * before[name]), name


def test_a_closure_is_called_with_gradients_enabled():
    weight = parameter(2.0)
    optimizer = weightopt_torch.create("sgd", [weight], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 4.0
    assert weight.item() == 1.0


def test_parameters_without_gradient_wait():
    module = network()
    optimizer = weightopt_torch.create("adam", module, lr=0.1)
    module[0].requires_grad_(False)
    x = torch.ones(1, 3)
    module(x).sum().backward()
    before = module[0].weight.clone()
    optimizer.step()
    assert torch.equal(module[0].weight, before)
    assert module[0].weight not in optimizer.state
    module[0].requires_grad_(True)
    module(x)[0, 0].backward()
    optimizer.step()
    assert not torch.equal(module[0].weight, before)
    steps = [int(s["step"]) for s in optimizer.state_dict()["state"].values()]
    assert sorted(steps) == [1, 1, 2, 2, 2, 2]
    optimizer.zero_grad()
    optimizer.step()  # with no gradient at all
    assert [int(s["step"]) for s in optimizer.state_dict()["state"].values()] == steps


def test_a_parameter_of_two_modules_is_one():
    module = network()
    module[2].bias = nn.Parameter(torch.zeros(2))
    module.add_module("3", nn.Linear(2, 4))
    module[3].weight = module[2].weight = nn.Parameter(torch.ones(4, 2))
    optimizer = weightopt_torch.create("sgd", module, lr=1.0)
    names = optimizer.param_groups[0]["param_names"]
    assert "2.weight" in names
    assert "3.weight" not in names
    module[2].weight.grad = torch.ones(4, 2)
    optimizer.step()
    assert torch.equal(module[3].weight, torch.zeros(4, 2))


def test_groups_are_added_later():
    one, other = parameter(1.0), parameter(1.0)
    optimizer = weightopt_torch.create("sgd", [one], lr=0.5)
    one.grad = other.grad = torch.ones(1)
    optimizer.step()
    optimizer.add_param_group({"params": [other], "lr": 0.25})
    optimizer.step()
    assert (one.item(), other.item()) == (0.0, 0.75)


@pytest.mark.parametrize("as_tensor", [False, True])
def test_torchs_schedulers(as_tensor):
    weight = parameter(1.0)
    rate = torch.tensor(0.5) if as_tensor else 0.5
    optimizer = weightopt_torch.create("sgd", [weight], lr=rate)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    for expected in (0.5, 0.25, 0.125):
        weight.grad = torch.ones(1)
        optimizer.step()
        schedule.step()
        assert weight.item() == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 10),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, 10, cycle_momentum=False),
        torch.optim.lr_scheduler.LinearLR,
        lambda o: torch.optim.lr_scheduler.CyclicLR(o, 0.01, 0.1, cycle_momentum=False),
    ],
)
def test_more_of_torchs_schedulers_give_the_rates_that_they_give_to_torch(make):
    rates = []
    for create in (weightopt_torch.Adam, torch.optim.Adam):
        weight = parameter(1.0)
        optimizer = create([weight], lr=0.01)
        schedule = make(optimizer)
        found = []
        for _ in range(8):
            weight.grad = torch.ones(1)
            optimizer.step()
            schedule.step()
            found.append(optimizer.param_groups[0]["lr"])
        rates.append(found)
    assert rates[0] == rates[1]


def test_hooks_of_torch():
    calls = []
    weight = parameter(1.0)
    optimizer = weightopt_torch.create("sgd", [weight])
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))
    optimizer.step()
    assert calls == ["before", "after"]


def test_a_module_that_is_cast_or_given_other_memory():
    module = network()
    optimizer = weightopt_torch.create("sgd", module, lr=1.0, momentum=0.5)
    other = network()
    expected = weightopt_torch.create("sgd", other, lr=1.0, momentum=0.5)
    for step in range(3):
        for one, two in zip(module.parameters(), other.parameters()):
            if step == 1:
                one.data = one.data.clone()
            one.grad, two.grad = torch.ones_like(one), torch.ones_like(two)
        optimizer.step()
        expected.step()
    for one, two in zip(module.parameters(), other.parameters()):
        assert torch.equal(one, two)


def test_clipping_and_scaling_of_torch():
    weight = parameter(1.0, 1.0)
    optimizer = weightopt_torch.create("sgd", [weight], lr=1.0)
    weight.grad = torch.tensor([3.0, 4.0])
    nn.utils.clip_grad_norm_([weight], 1.0)
    optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.tensor([0.4, 0.2]))
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    before = weight.detach().clone()
    scaler.scale((weight * torch.tensor([np.inf, 1.0])).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad()
    assert torch.equal(weight, before)
    scaler.scale(weight.sum() * 0.125).backward()
    scaler.step(optimizer)
    assert torch.equal(weight, before - 0.125)


def test_repr_has_the_settings():
    text = repr(weightopt_torch.create("lion", [parameter(1.0)], lr=0.5, weight_decay=0.25))
    assert text.startswith("Lion (")
    for line in ("lr: 0.5", "weight_decay: 0.25", "beta1: 0.9"):
        assert line in text


@pytest.mark.parametrize("name", ["adam", "AdaM", "nag"])
def test_names_are_found_as_in_the_core(name):
    optimizer = weightopt_torch.create(name, [parameter(1.0)])
    cls = wo.optimizer.registry.find(name)
    assert type(optimizer) is getattr(weightopt_torch, cls.__name__)
    assert isinstance(optimizer, torch.optim.Optimizer)
    assert type(optimizer).__name__ == cls.__name__


def test_a_forward_pass_after_each_step_sees_the_new_weights():
    params = named(torch.float32)
    compiled = weightopt_torch.create("sgd", params.items(), lr=0.1)
    rng = np.random.default_rng(0)
    versions = {name: p._version for name, p in params.items()}
    set_gradients(params, rng)
    compiled.step()
    for name, p in params.items():
        assert p._version > versions[name], name
