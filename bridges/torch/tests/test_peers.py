"""Optimizers that torch has too: 20 steps on NumPy arrays are its steps.

In double each side rounds in its own order, so that they differ in the last digits.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import weightopt_core as wo

LR, WD = 0.1, 0.01
#: A name, its arguments here, and torch's class with its arguments.
PEERS = {
    "amsgrad": (
        {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3, "wd": WD},
        (torch.optim.Adam, {"betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": WD, "amsgrad": True}),
    ),
    # torch adds epsilon before the correction of bias; so small, neither shows.
    "radam": (
        {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-16, "wd": WD},
        (torch.optim.RAdam, {"betas": (0.8, 0.9), "eps": 1e-16, "weight_decay": WD}),
    ),
    "rprop": ({}, (torch.optim.Rprop, {})),
    "rprop-limited": (
        {"eta_minus": 0.4, "eta_plus": 1.3, "min_step_size": 0.05, "max_step_size": 0.15},
        (torch.optim.Rprop, {"etas": (0.4, 1.3), "step_sizes": (0.05, 0.15)}),
    ),
    "asgd": (
        {"lamda": 0.05, "alpha": 0.6, "t0": 5, "wd": WD},
        (torch.optim.ASGD, {"lambd": 0.05, "alpha": 0.6, "t0": 5, "weight_decay": WD}),
    ),
}


@pytest.mark.parametrize("peer", PEERS)
def test_steps_are_those_of_torch(peer):
    given, (cls, their_arguments) = PEERS[peer]
    ours = wo.optimizer.create(peer.partition("-")[0], learning_rate=LR, **given)
    rng = np.random.default_rng(0)
    weight, grads = rng.normal(size=(5, 7)), rng.normal(size=(20, 5, 7))
    theirs = torch.nn.Parameter(torch.tensor(weight))
    optimizer = cls([theirs], lr=LR, foreach=False, **their_arguments)
    state = ours.create_state(0, weight)
    for grad in grads:
        ours.update(0, weight, grad, state)
        theirs.grad = torch.tensor(grad)
        optimizer.step()
        # torch keeps the rate and the share of ASGD's average in float32.
        limit = 1e-6 if peer == "asgd" else 1e-12
        np.testing.assert_allclose(weight, theirs.detach(), rtol=limit, atol=limit)
    if peer == "asgd":
        average = optimizer.state[theirs]["ax"]
        np.testing.assert_allclose(state, average, rtol=limit, atol=limit)
