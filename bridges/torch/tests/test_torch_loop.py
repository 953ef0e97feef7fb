"""What training loops do with an optimizer."""

import copy
import pickle

import jobs
import numpy as np
import pytest
import torch
import weightopt_torch
from jobs import batch, loss, model
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR
from torch.optim.swa_utils import SWALR, AveragedModel

import weightopt_core as wo


def made(module, **options):
    return weightopt_torch.create("adamw", module.parameters(), lr=0.01, **options)


def train(module, optimizer, steps, scheduler=None):
    for step in steps:
        optimizer.zero_grad()
        loss(module, batch(step)).backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return [parameter.detach().clone() for parameter in module.parameters()]


class OnNumpy:
    """The same steps by the core alone, on copies."""

    def __init__(self, module, **options):
        self.core = wo.optimizer.create("adamw", wd=0.01, learning_rate=0.01, **options)
        self.weights = [p.detach().numpy().copy() for p in module.parameters()]
        self.states = [self.core.create_state(i, w) for i, w in enumerate(self.weights)]

    def step(self, grads, lr=None):
        if lr is not None:
            self.core.lr = lr
        self.core.update(list(range(len(grads))), self.weights, grads, self.states)

    def equals(self, module):
        pairs = zip(self.weights, module.parameters())
        return all(np.array_equal(weight, p.detach().numpy()) for weight, p in pairs)


def grads_of(module):
    return [parameter.grad.numpy().copy() for parameter in module.parameters()]


def test_a_scaler_skips_the_step_where_a_gradient_is_not_finite():
    module = model()
    optimizer, reference = made(module), OnNumpy(module)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    for step in range(5):
        optimizer.zero_grad()
        scaler.scale(loss(module, batch(step))).backward()
        if step == 2:
            module[0].weight.grad[0, 0] = torch.inf
        else:
            reference.step([grad / np.float32(scaler.get_scale()) for grad in grads_of(module)])
        scaler.step(optimizer)
        scaler.update()
        assert reference.equals(module)
    assert scaler.get_scale() == 2.0**9
    assert {int(state["step"]) for state in optimizer.state.values()} == {4}


def test_a_scaler_unscales_before_clipping():
    module = model()
    optimizer, reference = made(module), OnNumpy(module)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    scaler.scale(loss(module, batch(0))).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(module.parameters(), 0.01)
    reference.step(grads_of(module))
    scaler.step(optimizer)
    assert reference.equals(module)


@pytest.mark.parametrize("offload", [False, True])
def test_gradients_that_torch_clips_are_taken_as_clipped(offload):
    module = model()
    optimizer, reference = made(module, offload=offload), OnNumpy(module)
    for step in range(3):
        optimizer.zero_grad()
        loss(module, batch(step)).backward()
        norm = torch.nn.utils.clip_grad_norm_(module.parameters(), 0.1)
        assert norm > 0.1
        torch.nn.utils.clip_grad_value_(module.parameters(), 0.05)
        reference.step(grads_of(module))
        optimizer.step()
    assert reference.equals(module)


@pytest.mark.slow
def test_a_compiled_module_trains_as_its_gradients_say():
    module = model()
    compiled = torch.compile(module)
    optimizer, reference = made(compiled), OnNumpy(module)
    for step in range(3):
        optimizer.zero_grad()
        loss(compiled, batch(step)).backward()
        reference.step(grads_of(module))
        optimizer.step()
    assert reference.equals(module)


def test_a_closure_is_called_once_with_gradients_on():
    module = model()
    optimizer, calls = made(module), []

    def closure():
        calls.append(torch.is_grad_enabled())
        optimizer.zero_grad()
        found = loss(module, batch(0))
        found.backward()
        return found

    with torch.no_grad():
        found = optimizer.step(closure)
    assert calls == [True]
    twin = model()
    assert found == loss(twin, batch(0))
    expected = train(twin, made(twin), range(1))
    assert all(map(torch.equal, module.parameters(), expected))


def test_hooks_are_called_around_a_step():
    module, calls = model(), []
    optimizer = made(module)
    before = module[0].weight.detach().clone()

    def look(when):
        return lambda *_: calls.append((when, torch.equal(module[0].weight, before)))

    optimizer.register_step_pre_hook(look("before"))
    optimizer.register_step_post_hook(look("after"))
    train(module, optimizer, range(1))
    assert calls == [("before", True), ("after", False)]


def test_a_hook_may_change_gradients_before_a_step():
    module, twin = model(), model()
    optimizer = made(module)

    def double(optimizer, args, kwargs):
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad *= 2

    optimizer.register_step_pre_hook(double)
    train(module, optimizer, range(2))
    train(twin, made(twin, rescale_grad=2.0), range(2))
    assert all(map(torch.equal, module.parameters(), twin.parameters()))


@pytest.mark.parametrize("to_none", [True, False])
def test_zero_grad_leaves_what_the_next_step_makes_of_it(to_none):
    module = model()
    optimizer = made(module)
    train(module, optimizer, range(2))
    optimizer.zero_grad(set_to_none=to_none)
    before = [parameter.detach().clone() for parameter in module.parameters()]
    optimizer.step()
    is_same = all(map(torch.equal, module.parameters(), before))
    assert is_same == to_none
    counts = {int(state["step"]) for state in optimizer.state.values()}
    assert counts == {2 if to_none else 3}


def test_a_frozen_parameter_stays_and_goes_on_when_it_is_thawed():
    module = model()
    optimizer = made(module)
    train(module, optimizer, range(2))
    frozen = module[0].weight
    before = frozen.detach().clone()
    frozen.requires_grad_(False)
    train(module, optimizer, range(2, 4))
    assert torch.equal(frozen, before)
    assert int(optimizer.state[frozen]["step"]) == 2
    frozen.requires_grad_(True)
    train(module, optimizer, range(4, 6))
    assert not torch.equal(frozen, before)
    assert int(optimizer.state[frozen]["step"]) == 4
    assert int(optimizer.state[module[2].weight]["step"]) == 6


@pytest.mark.parametrize("step_in_backward", [False, True])
def test_a_parameter_that_was_frozen_at_first_is_trained_once_it_is_not(step_in_backward):
    module = model()
    module[0].requires_grad_(False)
    optimizer = made(module, step_in_backward=step_in_backward)
    before = module[0].weight.detach().clone()
    train(module, optimizer, range(2))
    assert torch.equal(module[0].weight, before)
    module[0].requires_grad_(True)
    train(module, optimizer, range(2, 3))
    assert not torch.equal(module[0].weight, before)


def test_a_parameter_of_two_modules_is_stepped_once():
    module, twin = model(), model()
    for one in (module, twin):
        one.append(torch.nn.Linear(5, 7))
        one.append(torch.nn.Linear(7, 5))
        torch.manual_seed(1)
        for layer in (one[4], one[5]):
            torch.nn.init.normal_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
        one[4].weight = one[0].weight
    optimizer, other = made(module), torch.optim.AdamW(twin.parameters(), lr=0.01)
    assert len(optimizer.param_groups[0]["params"]) == len(other.param_groups[0]["params"]) == 9
    assert {int(state["step"]) for state in optimizer.state.values()} == set()
    train(module, optimizer, range(3))
    train(twin, other, range(3))
    assert {int(state["step"]) for state in optimizer.state.values()} == {3}
    # The rules differ in where epsilon is added.
    for one, expected in zip(module.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("way", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_module_and_optimizer_goes_on_alone(way):
    module = model()
    optimizer = made(module)
    train(module, optimizer, range(2))
    other, twin = way((module, optimizer))
    assert twin.param_groups[0]["params"][0] is other[0].weight
    expected = train(module, optimizer, range(2, 4))
    kept = [parameter.detach().clone() for parameter in other.parameters()]
    assert not any(map(torch.equal, kept, expected))
    assert all(map(torch.equal, train(other, twin, range(2, 4)), expected))


def run_with(scheduler):
    """Return the rates of a run, and whether its weights are what these rates make of them."""
    module = model()
    optimizer, reference = made(module), OnNumpy(module)
    schedule, rates = scheduler(optimizer), []
    for step in range(6):
        optimizer.zero_grad()
        loss(module, batch(step)).backward()
        rates.append(float(optimizer.param_groups[0]["lr"]))
        reference.step(grads_of(module), rates[-1])
        optimizer.step()
        schedule.step()
    return rates, reference.equals(module)


def rates_of_torch(scheduler):
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))], lr=0.01)
    schedule, rates = scheduler(optimizer), []
    for _ in range(6):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        schedule.step()
    return rates


SCHEDULERS = {
    "lambda": lambda one: LambdaLR(one, lambda epoch: 0.5**epoch),
    "one cycle": lambda one: OneCycleLR(one, max_lr=0.1, total_steps=8, cycle_momentum=False),
    "swa": lambda one: SWALR(one, swa_lr=0.05, anneal_epochs=3),
    "cosine": lambda one: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(one, 3),
    "chained": lambda one: torch.optim.lr_scheduler.SequentialLR(
        one,
        [torch.optim.lr_scheduler.LinearLR(one), torch.optim.lr_scheduler.ExponentialLR(one, 0.5)],
        milestones=[2],
    ),
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_schedulers_of_torch_give_the_rate(name):
    rates, is_equal = run_with(SCHEDULERS[name])
    assert rates == rates_of_torch(SCHEDULERS[name])
    assert len(set(rates)) > 2
    assert is_equal


def test_a_rate_that_is_a_tensor_is_read_at_each_step():
    def scheduler(one):
        one.param_groups[0]["lr"] = torch.tensor(0.01, dtype=torch.float64)
        return LambdaLR(one, lambda epoch: 0.5**epoch)

    rates, is_equal = run_with(scheduler)
    assert rates == [0.01 * 0.5**step for step in range(6)]
    assert is_equal


def test_weights_can_be_averaged():
    module = model()
    optimizer, averaged = made(module), AveragedModel(module)
    for step in range(3):
        train(module, optimizer, range(step, step + 1))
        averaged.update_parameters(module)
    assert int(averaged.n_averaged) == 3
    assert not torch.equal(averaged.module[0].weight, module[0].weight)


def test_a_backward_through_an_overwritten_weight_is_refused():
    module = model()
    optimizer = made(module)
    train(module, optimizer, range(1))
    late = loss(module, batch(1))
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        late.backward()


@pytest.mark.parametrize("name", jobs.names())
def test_the_number_of_updates_stands_in_the_state(name):
    module = model()
    optimizer = jobs.optimizer_class(name)(module.parameters(), **jobs.settings(name))
    for count in (1, 2, 3):
        train(module, optimizer, range(count - 1, count))
        assert {int(state["step"]) for state in optimizer.state.values()} == {count}


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
