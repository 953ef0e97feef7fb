"""The warm-up that schedulers share, and what else they inherit."""

import pytest

import weightopt_core as wo
from weightopt_core import hyperparameters
from weightopt_core.lr_scheduler import WarmingScheduler

WARM = {"base_lr": 0.5, "warmup_steps": 5, "warmup_begin_lr": 0.25}
OTHERS = {
    "constant": {},
    "cosine": {"max_update": 50},
    "exponential": {"factor": 0.5},
    "factor": {"step": 10, "factor": 0.5},
    "inversesqrt": {},
    "linear": {"max_update": 50},
    "multifactor": {"step": [10], "factor": 0.5},
    "poly": {"max_update": 50},
    "wsd": {"max_update": 50, "decay_steps": 10},
}


def test_all_that_warm_up_are_here():
    found = (wo.lr_scheduler.registry.find(name) for name in wo.lr_scheduler.registry.names())
    warming = {cls for cls in found if issubclass(cls, WarmingScheduler)}
    assert warming >= {wo.lr_scheduler.registry.find(name) for name in OTHERS}


@pytest.mark.parametrize("name", OTHERS)
def test_warm_up(name):
    linear = wo.lr_scheduler.create(name, **OTHERS[name], **WARM)
    rates = [linear(n) for n in (-3, 0, 1, 2, 3, 4, 5)]
    assert rates == pytest.approx([0.25, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5], rel=1e-12)
    constant = wo.lr_scheduler.create(name, **OTHERS[name], **WARM, warmup_mode="constant")
    assert [constant(n) for n in (-3, 0, 4, 5)] == [0.25, 0.25, 0.25, 0.5]
    assert constant(6) == linear(6)


@pytest.mark.parametrize("name", ["factor", "multifactor"])
def test_steps_count_the_warm_up(name):
    """As in MXNet 1.9: the change comes with the update 11, whatever the warm-up is."""
    schedule = wo.lr_scheduler.create(name, **OTHERS[name], **WARM)
    assert [schedule(n) for n in (5, 10, 11)] == [0.5, 0.5, 0.25]


def test_the_learning_rate_of_an_optimizer_reaches_warm_up_and_decay():
    """MXNet's keep to their own: departures, row 47."""
    schedule = wo.lr_scheduler.create("cosine", max_update=50, **WARM)
    optimizer = wo.optimizer.create("sgd", learning_rate=1.25, lr_scheduler=schedule)
    assert optimizer.lr_scheduler(4) == pytest.approx(0.25 + 0.8)
    assert optimizer.lr_scheduler(5) == 1.25


def test_a_warm_up_may_fall():
    """MXNet refuses it, also where a higher learning rate is to come: departures, row 47."""
    schedule = wo.lr_scheduler.create("constant", base_lr=0.1, warmup_steps=2, warmup_begin_lr=0.3)
    assert [schedule(n) for n in (0, 1, 2)] == pytest.approx([0.3, 0.2, 0.1])


def test_a_required_hyperparameter_may_be_declared_anew():
    class Base(wo.LRScheduler):
        needed = hyperparameters.Integer(interval="[1, inf)")

    class Narrower(Base):
        needed = hyperparameters.Integer(interval="[5, inf)")
        factor = hyperparameters.Real(1.0)

    assert Narrower(6, 2.0).needed == 6
    with pytest.raises(TypeError, match=r"Narrower\(\) needs 'needed', an integer in \[5"):
        Narrower()
    with pytest.raises(ValueError, match=r"needed: expected an integer in \[5, inf\), got 4"):
        Narrower(needed=4)


def test_errors_name_the_class_that_was_made():
    class Base(wo.LRScheduler):
        needed = hyperparameters.Integer(interval="[1, inf)")

    class Own(Base):
        pass

    with pytest.raises(TypeError, match=r"Own\(\) needs 'needed'"):
        Own()
    with pytest.raises(TypeError, match=r"Own\(\) takes 1 positional arguments \(needed\), got 2"):
        Own(1, 2)
