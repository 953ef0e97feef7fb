"""Optimizers of whole models and of averages against optax's own."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from weightopt_prodigy import Prodigy
from weightopt_schedulefree import ScheduleFree

STEPS = 20


def numbers(shape=(7,)):
    return np.random.default_rng(0).normal(size=(STEPS + 1, *shape)).astype(np.float32)


def theirs(optimizer, weight, grads):
    """Return the weights and the state of optax's optimizer after all gradients."""
    params = jnp.asarray(weight)
    state, update = optimizer.init(params), jax.jit(optimizer.update)
    for grad in grads:
        updates, state = update(jnp.asarray(grad), state, params)
        params = optax.apply_updates(params, updates)
    return params, state


@pytest.mark.parametrize(
    ("given", "make"),
    [
        ({"base": "sgd"}, optax.contrib.schedule_free_sgd),
        ({"base": "adamw"}, optax.contrib.schedule_free_adamw),
    ],
)
def test_schedule_free(given, make):
    weight, *grads = numbers()
    params, state = theirs(make(0.1), weight, grads)
    optimizer = ScheduleFree(0.1, **given)
    own = optimizer.create_state(0, weight)
    for grad in grads:
        optimizer.update(0, weight, grad, own)
    # float32, in which theirs computes the average anew at each step.
    np.testing.assert_allclose(weight, params, rtol=2e-4, atol=2e-5)
    with optimizer.averaged(0, weight, own):
        expected = optax.contrib.schedule_free_eval_params(state, params)
        np.testing.assert_allclose(weight, expected, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("given", [{}, {"safeguard_warmup": True, "d_coef": 2.0}])
def test_prodigy(given):
    weight, *noise = numbers((12,))
    grads = [np.sign(weight) + np.float32(0.3) * one for one in noise]
    named = {{"d_coef": "estim_lr_coef"}.get(name, name): value for name, value in given.items()}
    params, state = theirs(optax.contrib.prodigy(estim_lr0=1e-3, **named), weight, grads)
    optimizer, parts = Prodigy(d0=1e-3, **given), np.split(weight.copy(), 3)
    states = [optimizer.create_state(i, part) for i, part in enumerate(parts)]
    for grad in grads:
        optimizer.update([0, 1, 2], parts, np.split(grad, 3), states)
    # Theirs sums in float32.
    np.testing.assert_allclose(states[0][-1], state.estim_lr, rtol=1e-4)
    np.testing.assert_allclose(np.concatenate(parts), params, rtol=2e-4, atol=2e-5)
