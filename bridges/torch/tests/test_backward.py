"""Steps during the backward pass, and steps in host memory of parameters that are elsewhere."""

import pytest

torch = pytest.importorskip("torch")

import copy
import gc
import itertools
import weakref

import weightopt_torch
from jobs import names
from torch import nn
from torch.profiler import ProfilerActivity, profile


def network(width=16):
    torch.manual_seed(0)
    layers = [layer for _ in range(4) for layer in (nn.Linear(width, width), nn.Tanh())]
    return nn.Sequential(*layers, nn.Linear(width, 1))


def inputs(width=16):
    torch.manual_seed(1)
    return torch.randn(8, width)


def train(optimizer, module, steps=5, x=None):
    x = inputs() if x is None else x
    for _ in range(steps):
        optimizer.zero_grad()
        module(x).square().sum().backward()
        optimizer.step()


def states(optimizer):
    return [v for _, s in sorted(optimizer.state_dict()["state"].items()) for v in s.values()]


def assert_alike(module, optimizer, other, expected):
    for one, two in zip(module.parameters(), other.parameters()):
        assert torch.equal(one, two)
    found, wanted = states(optimizer), states(expected)
    assert len(found) == len(wanted) > 0
    assert all(torch.equal(one, two) for one, two in zip(found, wanted))


NAMES = [name for name in names() if name not in ("sgld", "test")]
WAYS = [{"step_in_backward": True}, {"offload": True}, {"step_in_backward": True, "offload": True}]
#: Adam in every way, and each other in one of them, in turn.
PRODUCT = [
    pytest.param(name, way, marks=[] if tried else pytest.mark.soak)
    for number, name in enumerate(NAMES)
    for at, way in enumerate(WAYS)
    for tried in [name == "adam" or at == number % len(WAYS)]
]


@pytest.mark.parametrize(("name", "way"), PRODUCT)
def test_other_ways_have_the_same_bits(name, way):
    module, other = network(), network()
    expected = weightopt_torch.create(name, other, weight_decay=0.01)
    optimizer = weightopt_torch.create(name, module, weight_decay=0.01, **way)
    train(expected, other)
    train(optimizer, module)
    if states(expected):
        assert_alike(module, optimizer, other, expected)


def test_gradients_are_freed_in_the_backward_pass():
    module = network()
    optimizer = weightopt_torch.create("adam", module, step_in_backward=True)
    module(inputs()).sum().backward()
    assert all(p.grad is None for p in module.parameters())
    assert len(optimizer.state) == len([*module.parameters()])


def test_the_peak_of_memory_falls_by_the_gradients():
    """Counted is what is allocated and freed in a backward pass and the step after it."""
    peaks = {}
    for way in (False, True):
        module = network(256)
        optimizer = weightopt_torch.create("sgd", module, lr=0.01, step_in_backward=way)
        loss = module(torch.ones(2, 256)).sum()
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            loss.backward()
            optimizer.step()
        events = seen.profiler.kineto_results.events()
        changes = [event.nbytes() for event in events if event.name() == "[memory]"]
        peaks[way] = max(itertools.accumulate(changes))
    weight, gradients = 4 * 256**2, 4 * sum(p.numel() for p in module.parameters())
    assert peaks[False] > gradients
    assert peaks[True] < 2.5 * weight < gradients - weight


def test_hooks_do_not_keep_an_optimizer_alive():
    module = network()
    optimizer = weightopt_torch.create("sgd", module, step_in_backward=True)
    gone = weakref.ref(optimizer)
    del optimizer
    gc.collect()
    assert gone() is None
    module(inputs()).sum().backward()
    assert all(p.grad is not None for p in module.parameters())


def test_copies_step_their_own_parameters():
    module = network()
    optimizer = weightopt_torch.create("adam", module, step_in_backward=True)
    train(optimizer, module, 1)
    twin, other = copy.deepcopy((module, optimizer))
    before = [p.detach().clone() for p in module.parameters()]
    train(other, twin, 1)
    assert all(torch.equal(p, q) for p, q in zip(module.parameters(), before))
    train(optimizer, module, 1)
    assert_alike(module, optimizer, twin, other)


def test_clipping_between_backward_and_step_is_seen():
    module, other = network(), network()
    optimizer = weightopt_torch.create("sgd", module, lr=0.5, offload=True)
    expected = weightopt_torch.create("sgd", other, lr=0.5)
    for net, opt in ((module, optimizer), (other, expected)):
        for _ in range(3):
            opt.zero_grad()
            net(inputs()).square().sum().backward()
            nn.utils.clip_grad_norm_(net.parameters(), 0.1)
            opt.step()
    for one, two in zip(module.parameters(), other.parameters()):
        assert torch.equal(one, two)


@pytest.mark.parametrize("set_to_none", [True, False])
def test_gradients_accumulate(set_to_none):
    module, other = network(), network()
    optimizer = weightopt_torch.create("adam", module, offload=True)
    expected = weightopt_torch.create("adam", other)
    for net, opt in ((module, optimizer), (other, expected)):
        for _ in range(3):
            opt.zero_grad(set_to_none=set_to_none)
            for part in inputs().split(4):
                net(part).square().sum().backward()
            opt.step()
    assert_alike(module, optimizer, other, expected)


def test_weights_that_are_loaded_between_steps_are_seen():
    module, other = network(), network()
    optimizer = weightopt_torch.create("adam", module, offload=True)
    expected = weightopt_torch.create("adam", other)
    fresh = {name: torch.full_like(v, 0.01) for name, v in network().state_dict().items()}
    for net, opt in ((module, optimizer), (other, expected)):
        train(opt, net, 2)
        net.load_state_dict(fresh)
        train(opt, net, 2)
    assert_alike(module, optimizer, other, expected)


def test_states_of_offloaded_steps_go_on_without():
    module, other = network(), network()
    optimizer = weightopt_torch.create("adam", module, offload=True)
    expected = weightopt_torch.create("adam", other)
    train(optimizer, module, 2)
    train(expected, other, 2)
    straight = weightopt_torch.create("adam", module)
    straight.load_state_dict(optimizer.state_dict())
    train(straight, module, 2)
    train(expected, other, 2)
    assert_alike(module, straight, other, expected)


def test_a_frozen_parameter_that_is_thawed_waits_for_step():
    module = network()
    module[0].requires_grad_(False)
    optimizer = weightopt_torch.create("sgd", module, lr=1.0, step_in_backward=True)
    before = module[0].weight.detach().clone()
    module(inputs()).sum().backward()
    assert torch.equal(module[0].weight, before)
    module[0].requires_grad_(True)
    module(inputs()).sum().backward()
    assert torch.equal(module[0].weight, before)
    optimizer.step()
    assert not torch.equal(module[0].weight, before)
