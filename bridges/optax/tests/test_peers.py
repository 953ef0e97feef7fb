"""Optimizers that optax has too: 20 steps on NumPy arrays are its steps.

In double each side rounds in its own order, so that they differ in the last digits.
"""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")

import jax.numpy as jnp

import weightopt_core as wo

LR = 0.1
B = {"b1": 0.8, "b2": 0.9}
BETAS = {"beta1": 0.8, "beta2": 0.9}
#: A name, its arguments here, and optax's transformation.
PEERS = {
    "adabelief": (
        BETAS | {"epsilon": 1e-3},
        optax.adabelief(LR, **B, eps=1e-3, eps_root=1e-3),
    ),
    "ademamix": (
        BETAS | {"beta3": 0.99, "alpha": 3.0, "epsilon": 1e-3, "wd": 0.1},
        optax.contrib.ademamix(LR, **B, b3=0.99, alpha=3.0, eps=1e-3, weight_decay=0.1),
    ),
    "adopt": (BETAS | {"epsilon": 0.1}, optax.contrib.adopt(LR, **B, eps=0.1)),
    "adopt-unclipped": (
        BETAS | {"epsilon": 0.1, "use_clipping": False},
        optax.contrib.adopt(LR, **B, eps=0.1, use_clipping=False),
    ),
    # optax looks ahead by 1 - b2, where the authors' code does by b2: one half is both.
    "adan": (
        {"beta1": 0.8, "beta2": 0.5, "beta3": 0.9, "epsilon": 1e-3},
        optax.adan(LR, b1=0.8, b2=0.5, b3=0.9, eps=1e-3, eps_root=0.0),
    ),
    "lars": (
        {"momentum": 0.8, "eta": 0.5, "eps": 0.01},
        optax.lars(LR, trust_coefficient=0.5, eps=0.01, momentum=0.8),
    ),
    "novograd": (
        BETAS | {"epsilon": 1e-3, "wd": 0.1},
        optax.novograd(LR, **B, eps=1e-3, weight_decay=0.1),
    ),
    "radam": (BETAS | {"epsilon": 1e-3}, optax.radam(LR, **B, eps=1e-3)),
    "signum": ({"momentum": 0.8}, optax.signum(LR, beta=0.8)),
    # optax begins the mean with this value too.
    "yogi": (
        BETAS | {"epsilon": 1e-3, "initial_accumulator_value": 0.0},
        optax.chain(
            optax.scale_by_yogi(**B, eps=1e-3, initial_accumulator_value=0.0),
            optax.scale_by_learning_rate(LR),
        ),
    ),
}


@pytest.mark.parametrize("peer", PEERS)
def test_steps_are_those_of_optax(peer):
    given, transformation = PEERS[peer]
    name = peer.partition("-")[0]
    ours = wo.optimizer.create(name, learning_rate=LR, **given)
    rng = np.random.default_rng(0)
    weight, grads = rng.normal(size=(5, 7)), rng.normal(size=(20, 5, 7))
    with jax.enable_x64(True):
        theirs = jnp.array(weight)
        state, theirs_state = ours.create_state(0, weight), transformation.init(theirs)
        update = jax.jit(transformation.update)
        for grad in grads:
            ours.update(0, weight, grad, state)
            step, theirs_state = update(jnp.array(grad), theirs_state, theirs)
            theirs = optax.apply_updates(theirs, step)
            np.testing.assert_allclose(weight, theirs, rtol=1e-12, atol=1e-12)
