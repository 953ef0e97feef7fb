"""Schedules that hold others: how they are given, where they begin, and how they come back."""

import copy
import json
import pickle

import pytest

import weightopt_core as wo

LINE = ["linear", {"max_update": 10}]


def nested(**given):
    """Return a scheduler that holds others two deep, and one of these with a rate of its own."""
    return wo.lr_scheduler.create(
        "sequence",
        schedules=[
            ["warmup", {"schedule": LINE, "warmup_steps": 4}],
            ["scale", {"schedule": ["constant", {"base_lr": 0.5}], "factor": 0.5}],
        ],
        step=[20],
        **given,
    )


@pytest.mark.parametrize(
    "schedule",
    [
        "linear",
        ["linear", {"max_update": 10, "base_lr": 1.0}],
        '["linear", {"max_update": 10, "base_lr": 1.0}]',
        lambda n: max(1 - n / 10, 0),
    ],
    ids=["name", "list", "text", "function"],
)
def test_every_form(schedule):
    if schedule == "linear":  # its name alone lacks an argument, and says so by the path
        with pytest.raises(TypeError, match=r"schedule: LinearScheduler\(\) needs 'max_update'"):
            wo.lr_scheduler.create("scale", schedule=schedule, factor=2)
        return
    scaled = wo.lr_scheduler.create("scale", schedule=schedule, factor=2)
    assert [scaled(n) for n in (0, 5, 10)] == [2, 1, 0]


def test_an_object_is_copied_with_all_that_it_holds():
    inner = wo.lr_scheduler.create("linear", max_update=10, base_lr=1.0)
    scaled = wo.lr_scheduler.create("scale", schedule=inner, factor=2)
    for twin in (copy.copy(scaled), copy.deepcopy(scaled), pickle.loads(pickle.dumps(scaled))):
        twin.base_lr = 3
        assert (inner(0), scaled(0), twin(0)) == (1, 2, 6)
    optimizer = wo.optimizer.create("sgd", lr_scheduler=scaled, learning_rate=5)
    second = copy.copy(optimizer)
    second.lr_scheduler.base_lr = 7
    rates = [one.lr_scheduler(0) for one in (optimizer, second)]
    assert (inner(0), scaled(0), *rates) == (1, 2, 10, 14)


def test_lists_are_copied_too():
    schedule = nested()
    twin = copy.copy(schedule)
    twin.base_lr = 3
    twin.step.append(30)
    assert schedule(4) == 0.01
    assert schedule.step == [20]


def test_base_lr_reaches_all():
    schedule = nested(base_lr=2.0)
    assert [schedule(n) for n in (2, 4, 9, 20)] == [1, 2, 1, 1]
    assert schedule.base_lr == 2
    schedule.base_lr = 4
    assert [schedule(n) for n in (4, 20)] == [4, 2]


def test_without_one_each_has_its_own():
    assert [nested()(n) for n in (4, 20)] == [0.01, 0.25]


@pytest.mark.parametrize(
    ("given", "rates"),
    [
        ({"learning_rate": 2.0}, [2, 1]),  # a rate that was given goes before
        ({}, [0.001, 0.25]),  # else what was given to a schedule, else the default of the class
    ],
)
def test_an_optimizers_learning_rate(given, rates):
    optimizer = wo.optimizer.create("adam", lr_scheduler=nested(), **given)
    assert [optimizer.lr_scheduler(n) for n in (4, 20)] == rates
    twin = wo.optimizer.create(optimizer.dumps())
    assert [twin.lr_scheduler(n) for n in (4, 20)] == rates
    assert twin.dumps() == optimizer.dumps()


def test_text_has_rates_where_they_belong():
    text = nested(base_lr=2.0).dumps()
    name, arguments = json.loads(text)
    assert (name, list(arguments)) == ("sequencescheduler", ["schedules", "step"])
    assert text.count('"base_lr": 2.0') == 2
    assert wo.lr_scheduler.create(text).dumps() == text


def test_a_rate_that_reaches_nothing_is_refused():
    message = "base_lr: expected a schedule with a base_lr beside it, got plain functions; leave"
    with pytest.raises(ValueError, match=message):
        wo.lr_scheduler.create("scale", schedule=lambda n: 1, factor=2, base_lr=1)
    scaled = wo.lr_scheduler.create("scale", schedule=lambda n: 1, factor=2)
    assert scaled.base_lr is None
    with pytest.raises(ValueError, match=message):
        scaled.base_lr = 1


@pytest.mark.parametrize(
    ("schedule", "error", "message"),
    [
        ("lineer", ValueError, "schedule: unknown scheduler 'lineer'; did you mean 'linear'"),
        (["linear", {"max_update": 0}], ValueError, "schedule: max_update: expected an integer"),
        (["scale", {"schedule": LINE}], TypeError, r"schedule: ScaleScheduler\(\) needs 'factor'"),
        (
            ["scale", {"schedule": ["linear", {"up": 1}], "factor": 1}],
            TypeError,
            "schedule: schedule: LinearScheduler",
        ),
        (3, TypeError, "schedule: expected an LRScheduler, its name, what its dumps"),
        (None, TypeError, "schedule: expected an LRScheduler, its name, what its dumps"),
        (wo.LRScheduler, TypeError, "schedule: expected an LRScheduler, its name, what its dumps"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(schedule, error, message):
    with pytest.raises(error, match=message):
        wo.lr_scheduler.create("scale", schedule=schedule, factor=1)


def test_a_function_that_is_wrong_is_named():
    scaled = wo.lr_scheduler.create("scale", schedule=lambda n: None, factor=1)
    with pytest.raises(TypeError, match=r"rate of <function .* at num_update 3: expected a finite"):
        scaled(3)


def test_a_scheduler_with_a_rate_beside_what_it_holds_keeps_it_apart():
    class Sum(wo.LRScheduler):
        schedule = wo.lr_scheduler.Schedule()

        def __call__(self, num_update):
            return self.base_lr + self.schedule(num_update)

    held = wo.lr_scheduler.create("constant", base_lr=1.0)
    optimizer = wo.optimizer.create("sgd", lr_scheduler=Sum(held), learning_rate=2)
    assert optimizer.lr_scheduler(1) == 3
