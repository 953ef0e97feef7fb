"""A run that is resumed: each optimizer, dtype, form of states, schedule and place, bit for bit.

By default it tries some of all; MATRIX=full tries them all.
"""

import functools
import itertools
import os
import random
import re

import numpy as np
import pytest
from devices import QUEUES, computes, is_slow, on_device, on_host

import weightopt_core as mx
from weightopt_core.testing.subject import Subject

DTYPES = ("float16", "bfloat16", "float32", "float64")
#: What the constructor is given for each form of states.
FORMS = {
    "plain": {},
    "master": {"multi_precision": True},
    "rounded": {"state_dtype": "bfloat16"},
    "quantized": {"state_dtype": "int8"},
}
SCHEDULES = {
    "none": lambda: None,
    "factor": lambda: mx.lr_scheduler.create("factor", step=3, factor=0.5),
    "multifactor": lambda: mx.lr_scheduler.create("multifactor", step=[2, 5], factor=0.5),
}
PLACES = {"host": None} | {
    f"{re.sub(r'[^A-Za-z]+', '', queue.device.platform.name)}{number}": queue
    for number, queue in enumerate(QUEUES)
    if not is_slow(queue)
}
#: Saved in the one place, loaded in the other.
WAYS = [f"{one}_to_{other}" for one, other in itertools.product(PLACES, PLACES)]
NAMES = sorted(
    name
    for name in mx.optimizer.registry.names()
    if mx.optimizer.registry.find(name).__module__.startswith("weightopt_")
)
HOST_ONLY = [n for n in NAMES if mx.optimizer.registry.find(n).conformance.host_only]
ALL = [
    case
    for case in itertools.product(NAMES, DTYPES, FORMS, SCHEDULES, WAYS)
    if case[0] not in HOST_ONLY
    or ("state_dtype" not in FORMS[case[2]] and case[4] == "host_to_host")
]
SOME = ALL if os.environ.get("MATRIX") == "full" else random.Random(0).sample(ALL, 24)
STEPS = 7


def place(where, values):
    queue = PLACES[where]
    return values.copy() if queue is None else on_device(queue, values)


def fetched(array):
    return array if isinstance(array, np.ndarray) else on_host(array)


@functools.cache
def values(dtype):
    """Return a weight, and a gradient for each step."""
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 7)).astype(dtype), rng.normal(size=(STEPS, 3, 7)).astype(dtype)


def updater_of(name, form, schedule):
    kind = mx.optimizer.registry.find(name)
    seed = {"seed": 3} if "seed" in kind.hyperparameters else {}
    given = FORMS[form] | seed | {"lr_scheduler": SCHEDULES[schedule]()}
    optimizer = Subject(kind).create(**given)
    optimizer.noise_seed = 3
    return mx.optimizer.get_updater(optimizer)


def stepped(updater, weight, grads, where):
    for grad in grads:
        updater("fc_weight", place(where, grad), weight)


@pytest.mark.parametrize(("name", "dtype", "form", "schedule", "way"), SOME)
def test_a_resumed_run_goes_on(tmp_path, name, dtype, form, schedule, way):
    begun, resumed = way.split("_to_")
    weight, grads = values(dtype)
    if not all(
        queue is None or computes(queue, dtype) for queue in map(PLACES.get, (begun, resumed))
    ):
        pytest.skip("the device has no such numbers")
    whole, first, second = (updater_of(name, form, schedule) for _ in range(3))
    expected, before = place("host", weight), place(begun, weight)
    try:
        stepped(whole, expected, grads[:3], "host")
        stepped(first, before, grads[:3], begun)
    except ValueError as error:  # float64 has no rounded states, nor has what draws noise
        if "state_dtype" not in FORMS[form]:
            raise
        pytest.skip(str(error))
    path = tmp_path / "run"
    first.save(path, weights={"fc_weight": before})
    after = place(resumed, second.load(path)["fc_weight"])
    stepped(whole, expected, grads[3:], "host")
    stepped(second, after, grads[3:], resumed)
    assert fetched(after).tobytes() == expected.tobytes()
    assert second.get_states() == whole.get_states()
