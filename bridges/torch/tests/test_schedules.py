"""Schedulers of torch over the optimizer."""

import pytest
import torch
from jobs import batch, loss, model
from loop import OnNumpy, grads_of, made
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    OneCycleLR,
    SequentialLR,
)
from torch.optim.swa_utils import SWALR


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
    "cosine": lambda one: CosineAnnealingLR(one, 10),
    "linear": LinearLR,
    "cyclic": lambda one: CyclicLR(one, 0.01, 0.1, cycle_momentum=False),
    "restarts": lambda one: CosineAnnealingWarmRestarts(one, 3),
    "chained": lambda one: SequentialLR(
        one,
        [LinearLR(one), ExponentialLR(one, 0.5)],
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
