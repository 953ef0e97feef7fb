"""Parameter groups: chosen by patterns, added, changed, and with other parameters in them."""

import pytest
import torch
import weightopt_torch
from jobs import batch, loss, model
from loop import made, train
from torch import nn

import weightopt_core as wo


def parameter(*values, **kwargs):
    return nn.Parameter(torch.tensor(values, **kwargs))


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))


@pytest.mark.parametrize("name", ["adam", "AdaM", "nag"])
def test_names_are_found_as_in_the_core(name):
    optimizer = weightopt_torch.create(name, [parameter(1.0)])
    cls = wo.optimizer.registry.find(name)
    assert type(optimizer) is getattr(weightopt_torch, cls.__name__)
    assert isinstance(optimizer, torch.optim.Optimizer)
    assert type(optimizer).__name__ == cls.__name__


def test_repr_has_the_settings():
    text = repr(weightopt_torch.create("lion", [parameter(1.0)], lr=0.5, weight_decay=0.25))
    assert text.startswith("Lion (")
    for line in ("lr: 0.5", "weight_decay: 0.25", "beta1: 0.9"):
        assert line in text


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


def test_groups_are_added_later():
    one, other = parameter(1.0), parameter(1.0)
    optimizer = weightopt_torch.create("sgd", [one], lr=0.5)
    one.grad = other.grad = torch.ones(1)
    optimizer.step()
    optimizer.add_param_group({"params": [other], "lr": 0.25})
    optimizer.step()
    assert (one.item(), other.item()) == (0.0, 0.75)


@pytest.mark.parametrize("options", [{}, {"step_in_backward": True}, {"offload": True}], ids=str)
@pytest.mark.parametrize("loads", [False, True])
def test_parameters_that_are_put_in_the_place_of_others_are_trained(loads, options):
    """Wrappers of modules do so, accelerate's of fully_shard for one."""
    module, twin = model(), model()
    optimizer = weightopt_torch.create("adamw", module.named_parameters(), lr=0.01, **options)
    replaced = {}
    for layer in (module[0], module[2]):
        for name, parameter in list(layer.named_parameters()):
            replaced[parameter] = torch.nn.Parameter(parameter.detach().clone())
            setattr(layer, name, replaced[parameter])
    for group in optimizer.param_groups:
        group["params"] = [replaced.get(one, one) for one in group["params"]]
    if loads:
        optimizer.load_state_dict(optimizer.state_dict())
    train(module, optimizer, range(2))
    train(twin, made(twin), range(2))
    assert all(map(torch.equal, module.parameters(), twin.parameters()))
    assert set(optimizer.state) == set(module.parameters())


def test_a_group_that_has_lost_a_parameter_is_refused():
    module = model()
    optimizer = made(module)
    loss(module, batch(0)).backward()
    before = module[0].weight.detach().clone()
    optimizer.param_groups[0]["params"] = list(module.parameters())[1:]
    with pytest.raises(ValueError, match="expected 6 as before, got 5; use add_param_group"):
        optimizer.step()
    assert torch.equal(module[0].weight, before)


def test_names_that_are_not_those_of_the_parameters_are_refused():
    """ZeroRedundancyOptimizer gives each process some parameters, and all names."""
    named = dict(model().named_parameters())
    group = {"params": list(named.values())[1:], "param_names": list(named)}
    with pytest.raises(ValueError, match=r"param_names of a group: expected 5, .* got 6"):
        weightopt_torch.create("adamw", [group], lr=0.1)
