"""Schedules against optax: equal as functions of the count, to the last digits of a double."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")

import weightopt_core as wo

STEPS = range(130)
SGDR = [
    {"init_value": 0.5 * 0.5**i, "peak_value": 0.5 * 0.5**i, "warmup_steps": 0}
    | {"decay_steps": 20 * 2**i}
    for i in range(3)
]
WSD = (
    [optax.linear_schedule(0, 0.5, 20), optax.constant_schedule(0.5)],
    [optax.linear_schedule(0.5, 0.1, 30)],
)
PAIRS = {
    "constant": (["constant", {}], optax.constant_schedule(0.5)),
    "constant-warmed": (
        ["constant", {"warmup_steps": 20, "warmup_begin_lr": 0.1}],
        optax.warmup_constant_schedule(0.1, 0.5, 20),
    ),
    "cosine": (
        ["cosine", {"max_update": 100, "final_lr": 0.05}],
        optax.cosine_decay_schedule(0.5, 100, alpha=0.1),
    ),
    "cosine-warmed": (
        ["cosine", {"max_update": 100, "final_lr": 0.05, "warmup_steps": 20}],
        optax.warmup_cosine_decay_schedule(0.0, 0.5, 20, 100, 0.05),
    ),
    "cosine-restarts": (
        ["cosine", {"max_update": 20, "cycles": 3, "cycle_factor": 2, "peak_factor": 0.5}],
        optax.sgdr_schedule(SGDR),
    ),
    "poly": (
        ["poly", {"max_update": 100, "pwr": 3, "final_lr": 0.05}],
        optax.polynomial_schedule(0.5, 0.05, 3, 100),
    ),
    "linear": (
        ["linear", {"max_update": 100, "final_lr": 0.05}],
        optax.linear_schedule(0.5, 0.05, 100),
    ),
    "exponential": (
        ["exponential", {"factor": 0.5, "step": 30, "final_lr": 0.1}],
        optax.exponential_decay(0.5, 30, 0.5, end_value=0.1),
    ),
    "exponential-warmed": (
        ["exponential", {"factor": 0.5, "step": 30, "warmup_steps": 20}],
        optax.warmup_exponential_decay_schedule(0.0, 0.5, 20, 30, 0.5),
    ),
    "onecycle": (["onecycle", {"max_update": 100}], optax.cosine_onecycle_schedule(100, 0.5)),
    "wsd": (
        ["wsd", {"max_update": 100, "decay_steps": 30, "warmup_steps": 20, "final_lr": 0.1}],
        optax.join_schedules([*WSD[0], *WSD[1]], [20, 70]),
    ),
    "warmup": (
        ["warmup", {"schedule": ["cosine", {"max_update": 80}], "warmup_steps": 20}],
        optax.warmup_cosine_decay_schedule(0.0, 0.5, 20, 100),
    ),
    "sequence": (
        [
            "sequence",
            {"schedules": [["poly", {"max_update": 50}], ["linear", {"max_update": 40}]]}
            | {"step": [60]},
        ],
        optax.join_schedules(
            [optax.polynomial_schedule(0.5, 0, 2, 50), optax.linear_schedule(0.5, 0, 40)], [60]
        ),
    ),
}  # fmt: skip
#: Where MXNet's convention holds: the change comes with the update after.
LATER = {
    "factor": (
        ["factor", {"step": 30, "factor": 0.5}],
        optax.exponential_decay(0.5, 30, 0.5, staircase=True),
    ),
    "multifactor": (
        ["multifactor", {"step": [30, 50], "factor": 0.5}],
        optax.piecewise_constant_schedule(0.5, {30: 0.5, 50: 0.5}),
    ),
}


def begun(text):
    """Return a schedule as an optimizer with a learning rate begins it."""
    return wo.optimizer.create("sgd", learning_rate=0.5, lr_scheduler=text).lr_scheduler


def values(schedule, steps):
    """Return what a schedule of optax gives, in float64."""
    with jax.enable_x64(True):
        counts = jax.numpy.asarray(steps, "float64")
        return np.broadcast_to(jax.vmap(schedule)(counts), len(steps))


@pytest.mark.parametrize("name", PAIRS)
def test_equal(name):
    text, theirs = PAIRS[name]
    ours = begun(text)
    expected = values(theirs, STEPS)
    np.testing.assert_allclose([ours(n) for n in STEPS], expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", LATER)
def test_mxnets_convention_is_one_later(name):
    text, theirs = LATER[name]
    ours = begun(text)
    expected = values(theirs, STEPS)
    assert ours(30) != expected[30]
    np.testing.assert_allclose([ours(n + 1) for n in STEPS], expected, rtol=1e-12)


def test_a_schedule_of_optax_serves_as_one():
    schedule = optax.linear_schedule(0.5, 0.05, 100)
    scaled = wo.lr_scheduler.create("scale", schedule=schedule, factor=0.5)
    assert scaled(50) == pytest.approx(0.1375, rel=1e-6)  # optax computes in float32
