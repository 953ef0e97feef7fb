"""What training loops do with an optimizer, beside calling its step."""

import copy
import pickle

import jobs
import numpy as np
import pytest
import torch
import weightopt_torch
from jobs import batch, loss, model
from loop import OnNumpy, grads_of, made, train
from numpy_twin import named, set_gradients
from torch.optim.swa_utils import AveragedModel


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
    optimizer.step()  # with no gradient at all
    train(module, optimizer, range(2))
    assert torch.equal(module[0].weight, before)
    assert module[0].weight not in optimizer.state
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


def test_a_module_that_is_given_other_memory():
    module, twin = model(), model()
    optimizer, expected = made(module), made(twin)
    train(module, optimizer, range(2))
    for parameter in module.parameters():
        parameter.data = parameter.data.clone()
    train(module, optimizer, range(2, 4))
    train(twin, expected, range(4))
    assert all(map(torch.equal, module.parameters(), twin.parameters()))


def test_a_step_is_seen_by_autograd():
    params = named(torch.float32)
    optimizer = weightopt_torch.create("sgd", params.items(), lr=0.1)
    rng = np.random.default_rng(0)
    versions = {name: p._version for name, p in params.items()}
    set_gradients(params, rng)
    optimizer.step()
    for name, p in params.items():
        assert p._version > versions[name], name
