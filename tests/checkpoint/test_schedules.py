"""A run with any schedule, saved and resumed at any update, goes on as if nothing had happened."""

import json

import numpy as np
import pytest
from checkpoints import content_of

import weightopt_core as wo

LINE = ["linear", {"max_update": 8, "base_lr": 0.5}]
SCHEDULES = [
    ["constant", {"warmup_steps": 4}],
    ["cosine", {"max_update": 5, "warmup_steps": 2, "cycles": 3, "peak_factor": 0.5}],
    ["cosine", {"max_update": 4, "cycles": 3, "cycle_factor": 1.5}],
    ["exponential", {"factor": 0.75}],
    ["factor", {"step": 2, "factor": 0.5, "warmup_steps": 3}],
    ["inversesqrt", {"warmup_steps": 4}],
    LINE,
    ["multifactor", {"step": [3, 7], "factor": 0.5}],
    ["onecycle", {"max_update": 9}],
    ["poly", {"max_update": 7, "warmup_steps": 2}],
    ["scale", {"schedule": LINE, "factor": 0.25}],
    ["sequence", {"schedules": [LINE, ["warmup", {"schedule": LINE, "warmup_steps": 2}]],
                  "step": [5]}],
    ["warmup", {"schedule": ["cosine", {"max_update": 6}], "warmup_steps": 5}],
    ["wsd", {"max_update": 9, "warmup_steps": 2, "decay_steps": 4}],
]  # fmt: skip
STEPS = 10


def test_all_installed_ones_are_here():
    registry = wo.lr_scheduler.registry
    found = {registry.find(name) for name in registry.names()}
    # What other tests have registered in this process is not installed.
    installed = {cls for cls in found if cls.__module__.startswith("weightopt_")}
    assert installed == {registry.find(name) for name, _ in SCHEDULES}


def updater(schedule):
    return wo.optimizer.get_updater(
        wo.optimizer.create("sgd", momentum=0.9, lr_scheduler=schedule, learning_rate=0.3)
    )


def run(updater, weight, begin, end):
    for step in range(begin, end):
        grad = np.random.default_rng(step).normal(size=weight.shape)
        updater(0, grad, weight)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda one: one[0])
def test_resumed_equals_straight(schedule, recwarn):
    straight, weight = updater(schedule), np.ones(5)
    for stop in range(STEPS):
        resumed, copied = updater(json.dumps(schedule)), weight.copy()
        resumed.set_states(straight.get_states())
        run(resumed, copied, stop, STEPS)
        expected, whole = updater(schedule), np.ones(5)
        run(expected, whole, 0, STEPS)
        assert copied.tobytes() == whole.tobytes(), f"stopped at {stop}"
        assert resumed.get_states() == expected.get_states()
        run(straight, weight, stop, stop + 1)
    assert not recwarn.list


def test_what_is_saved_of_a_nested_schedule():
    saved = updater(["scale", {"schedule": LINE, "factor": 0.25}])
    scheduler = content_of(saved.get_states())[1]["settings"]["lr_scheduler"]
    assert scheduler[0] == "scalescheduler"
    assert scheduler[1]["schedule"][0] == "linearscheduler"
    assert scheduler[1]["schedule"][1]["max_update"] == 8


def test_another_schedule_deep_within_is_a_warning():
    saved = updater(["scale", {"schedule": LINE, "factor": 0.25}])
    longer = ["linear", {"max_update": 9, "base_lr": 0.5}]
    other = updater(["scale", {"schedule": longer, "factor": 0.25}])
    with pytest.warns(UserWarning, match="lr_scheduler: the states were saved with"):
        other.set_states(saved.get_states())
