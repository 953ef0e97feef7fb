"""Optimizers that are to stay as they are where something is refused."""

import torch
import weightopt_torch
from torch import nn


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
    return [p.detach().clone() for p in params], optimizer.state_dict()


def assert_unchanged(before, params, optimizer):
    weights, saved = before
    assert all(torch.equal(p, old) for p, old in zip(params, weights))
    found = optimizer.state_dict()
    assert found["state"].keys() == saved["state"].keys()
    for number, state in saved["state"].items():
        assert state.keys() == found["state"][number].keys()
        assert all(torch.equal(value, found["state"][number][k]) for k, value in state.items())
    assert found["param_groups"] == saved["param_groups"]
