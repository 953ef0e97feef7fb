"""Optimizers of whole arrays against PyTorch's own."""

import numpy as np
import pytest
import torch
import weightopt_torch
from weightopt_adafactor import Adafactor
from weightopt_muon import Muon

import weightopt_core as wo

STEPS = 20
HOST = [
    name
    for name in wo.optimizer.registry.names()
    if issubclass(wo.optimizer.registry.find(name), wo.optimizer.HostOptimizer)
]

needs_muon = pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon")


def stepped(optimizer, make, shape):
    """Return what the weights become after some steps, ours and theirs."""
    rng = np.random.default_rng(0)
    weight, *grads = rng.normal(size=(STEPS + 1, *shape))
    tensor = torch.tensor(weight, requires_grad=True)
    theirs, state = make([tensor]), optimizer.create_state(0, weight)
    for grad in grads:
        optimizer.update(0, weight, grad, state)
        tensor.grad = torch.tensor(grad)
        theirs.step()
    return weight, tensor.detach().numpy()


@needs_muon
@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4)])
@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, {}),
        ({"nesterov": False, "wd": 0.0}, {"nesterov": False, "weight_decay": 0.0}),
        ({"adjust_lr": "match_rms_adamw"}, {"adjust_lr_fn": "match_rms_adamw"}),
    ],
)
def test_muon(shape, given, named, monkeypatch):
    # Theirs rounds to bfloat16 before its products.
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    ours, theirs = stepped(Muon(0.02, **given), lambda p: torch.optim.Muon(p, 0.02, **named), shape)
    # Products of matrices and sums are in another order.
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shape", [(7,), (5, 8), (2, 4, 3)])
@pytest.mark.parametrize(
    ("given", "named"),
    [({}, {}), ({"wd": 0.1, "decay": 0.6}, {"weight_decay": 0.1, "beta2_decay": -0.6})],
)
def test_adafactor(shape, given, named):
    # Theirs has no epsilon in the squares; ours is far below them.
    ours, theirs = stepped(
        Adafactor(0.01, **given),
        lambda p: torch.optim.Adafactor(p, 0.01, eps=(1e-30, 1e-3), **named),
        shape,
    )
    # Sums are in another order.
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", HOST)
def test_parameters_of_a_module_are_stepped_as_arrays(name):
    """Also after a state_dict went into another one."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape).astype(np.float32) for shape in [(6, 4), (3, 5)]]
    params = [torch.nn.Parameter(torch.tensor(weight)) for weight in weights]
    core = wo.optimizer.create(name, learning_rate=0.01, wd=0.01)
    states = [core.create_state(i, weight) for i, weight in enumerate(weights)]
    settings = {"lr": 0.01, "weight_decay": 0.01}
    optimizer = weightopt_torch.create(name, params, **settings)
    for step in range(6):
        if step == 3:
            state_dict = optimizer.state_dict()
            optimizer = weightopt_torch.create(name, params, **settings)
            optimizer.load_state_dict(state_dict)
        grads = [rng.normal(size=weight.shape).astype(np.float32) for weight in weights]
        for parameter, grad in zip(params, grads):
            parameter.grad = torch.tensor(grad)
        core.update([0, 1], weights, grads, states)
        optimizer.step()
    for weight, parameter in zip(weights, params):
        np.testing.assert_array_equal(weight, parameter.detach().numpy())


def test_states_have_the_names_of_the_formula():
    parameter = torch.nn.Parameter(torch.ones(3, 4))
    parameter.grad = torch.ones(3, 4)
    optimizer = weightopt_torch.create("muon", [parameter])
    optimizer.step()
    assert [*optimizer.state[parameter]] == ["step", "mean"]
