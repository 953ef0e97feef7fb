"""Schedules against torch: equal as functions of the count, to the last digits of a double."""

import warnings

import pytest
import torch
from torch.optim import lr_scheduler as theirs

import weightopt_core as wo

STEPS = 130


def rates(make, steps=STEPS):
    """Return the rate of each epoch that a scheduler of torch gives, beginning with 0.5."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nothing is stepped here
        schedule = make(optimizer)
        found = []
        for _ in range(steps):
            found.append(optimizer.param_groups[0]["lr"])
            schedule.step()
    return found


def sequence(optimizer):
    parts = [
        theirs.LinearLR(optimizer, 0.2, 1.0, 20),
        theirs.PolynomialLR(optimizer, 50, 2),
        theirs.ExponentialLR(optimizer, 0.9),
    ]
    return theirs.SequentialLR(optimizer, parts, [20, 60])


PAIRS = {
    "constant": (["constant", {}], lambda o: theirs.ConstantLR(o, 1.0, 1)),
    "constant-warmed": (
        ["constant", {"warmup_steps": 20, "warmup_begin_lr": 0.1}],
        lambda o: theirs.LinearLR(o, 0.2, 1.0, 20),
    ),
    "constant-low": (
        ["constant", {"warmup_steps": 20, "warmup_begin_lr": 0.1, "warmup_mode": "constant"}],
        lambda o: theirs.ConstantLR(o, 0.2, 20),
    ),
    "cosine-restarts": (
        ["cosine", {"max_update": 10, "final_lr": 0.05, "cycles": 9, "cycle_factor": 2}],
        lambda o: theirs.CosineAnnealingWarmRestarts(o, 10, 2, 0.05),
    ),
    "cosine-equal-restarts": (
        ["cosine", {"max_update": 10, "cycles": 99}],
        lambda o: theirs.CosineAnnealingWarmRestarts(o, 10),
    ),
    "poly": (["poly", {"max_update": 100, "pwr": 3}], lambda o: theirs.PolynomialLR(o, 100, 3)),
    "linear": (
        ["linear", {"max_update": 100, "final_lr": 0.05}],
        lambda o: theirs.LinearLR(o, 1.0, 0.1, 100),
    ),
    "exponential": (["exponential", {"factor": 0.9}], lambda o: theirs.ExponentialLR(o, 0.9)),
    "sequence": (
        [
            "sequence",
            {
                "schedules": [
                    ["constant", {"warmup_steps": 20, "warmup_begin_lr": 0.1}],
                    ["poly", {"max_update": 50}],
                    ["exponential", {"factor": 0.9}],
                ],
                "step": [20, 60],
            },
        ],
        sequence,
    ),
}
#: Where MXNet's convention holds: the change comes with the update after.
LATER = {
    "factor": (["factor", {"step": 30, "factor": 0.5}], lambda o: theirs.StepLR(o, 30, 0.5)),
    "multifactor": (
        ["multifactor", {"step": [30, 50], "factor": 0.5}],
        lambda o: theirs.MultiStepLR(o, [30, 50], 0.5),
    ),
}


def begun(text):
    """Return a schedule as an optimizer with a learning rate begins it."""
    return wo.optimizer.create("sgd", learning_rate=0.5, lr_scheduler=text).lr_scheduler


@pytest.mark.parametrize("name", PAIRS)
def test_equal(name):
    text, make = PAIRS[name]
    ours = begun(text)
    assert [ours(n) for n in range(STEPS)] == pytest.approx(rates(make), rel=1e-12, abs=1e-15)


def test_cosine():
    """Torch goes up again after the end, where MXNet's stays."""
    ours = begun(["cosine", {"max_update": 100, "final_lr": 0.05}])
    expected = rates(lambda o: theirs.CosineAnnealingLR(o, 100, 0.05))
    assert [ours(n) for n in range(101)] == pytest.approx(expected[:101], rel=1e-12)
    assert ours(101) == 0.05 < expected[110]


@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_one_cycle(strategy):
    """Torch's phases end with the update before: one more update, and a peak one later, is ours."""
    ours = begun(["onecycle", {"max_update": 100, "anneal_strategy": strategy}])

    def make(optimizer):
        start = (0.3 * 100 + 1) / 101
        return theirs.OneCycleLR(optimizer, 0.5, 101, pct_start=start, anneal_strategy=strategy)

    expected = rates(make, 100)
    assert [ours(n) for n in range(100)] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", LATER)
def test_mxnets_convention_is_one_later(name):
    text, make = LATER[name]
    ours, expected = begun(text), rates(make)
    assert ours(30) != expected[30]
    assert [ours(n + 1) for n in range(STEPS)] == pytest.approx(expected, rel=1e-12)
