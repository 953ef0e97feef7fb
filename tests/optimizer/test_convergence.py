"""Every installed optimizer minimises what an optimizer should, within a stated budget."""

import functools
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core.testing.subject import Subject


@dataclass(frozen=True)
class Setting:
    """Learning rates by task, and the hyperparameters that all tasks share."""

    rosenbrock: float = 0.01
    digits: float = 0.01
    given: dict = field(default_factory=dict)


#: Settings by name; a name that is not here has the defaults of `Setting`.
SETTINGS = {
    "adadelta": [Setting(0.05, 1.0)],
    "accumulate": [Setting(0.04, 0.02)],
    "adagrad": [Setting(0.5, 0.05)],
    "adam": [Setting(0.02, 0.01)],
    "adamax": [Setting(0.1, 0.03)],
    "ademamix": [Setting(0.03, 0.01)],
    "adopt": [Setting(0.3, 0.01)],
    "amsgrad": [Setting(0.05, 0.01)],
    "asgd": [Setting(0.001, 0.3)],
    "ccsgd": [Setting(0.001, 0.3)],
    "dcasgd": [Setting(0.001, 0.3), Setting(0.0005, 0.03, {"momentum": 0.9})],
    "ftml": [Setting(0.03, 0.01)],
    "ftrl": [Setting(0.5, 1.0, {"lamda1": 0})],
    "lars": [Setting(0.01, 0.1, {"eta": 0.1, "momentum": 0.9})],
    "lookahead": [Setting(0.04, 0.01)],
    "mixed": [Setting(0.02, 0.01)],
    "muon": [Setting(0.002, 0.01)],
    "nadam": [Setting(0.02, 0.01)],
    "nag": [Setting(0.001, 0.3), Setting(0.0005, 0.03, {"momentum": 0.9})],
    "novograd": [Setting(0.001, 0.01)],
    # Its first steps have the length of the gradients, which are large there.
    "radam": [Setting(0.02, 0.01, {"clip_gradient": 1.0})],
    "prodigy": [Setting(0.1, 1.0)],
    "rmsprop": [Setting(0.001, 0.003), Setting(0.0005, 0.001, {"centered": True})],
    "schedulefree": [Setting(0.1, 0.01)],
    "sgd": [Setting(0.001, 0.3), Setting(0.0005, 0.03, {"momentum": 0.9})],
    # It draws from exp(-loss * rescale_grad) instead of minimising; that is narrow here.
    "sgld": [Setting(2e-9, 6e-7, {"rescale_grad": 1e6})],
    "signum": [Setting(0.001, 0.01)],
    "yogi": [Setting(0.05, 0.01)],
}
#: What does not minimise, and why.
EXEMPT = {"test": "adds the gradient"}

EPOCHS = 10
ACCURACY = 0.9


def rosenbrock(x):
    """Return the value and the gradient of a narrow curved valley, whose lowest point is (1, 1)."""
    off, across = 1 - x[0], x[1] - x[0] ** 2
    grad = np.array([-2 * off - 400 * x[0] * across, 200 * across])
    return off**2 + 100 * across**2, grad


every_setting = pytest.mark.parametrize(
    ("name", "setting"),
    [
        pytest.param(name, setting, id="-".join([name, *setting.given]))
        for name in mx.optimizer.registry.names()
        if name not in EXEMPT
        for setting in SETTINGS.get(name, [Setting()])
    ],
)


def create(name, **given):
    """Return an optimizer; one that holds others holds Adam."""
    cls = mx.optimizer.registry.find(name)
    if issubclass(cls, mx.optimizer.Wrapper):
        held = {"optimizer": "adam", "optimizers": ["adam", "adam"]}
        needed = {k: held.get(k, v) for k, v in cls.conformance.arguments.items()}
        return Subject(cls).create(**needed, **given)
    return cls(**given)


@every_setting
def test_minimises_a_curved_valley(name, setting):
    optimizer = create(name, learning_rate=setting.rosenbrock, **setting.given)
    flat = np.array([-1.2, 1.0])
    weight = flat.reshape(Subject(type(optimizer)).shaped(flat.shape))
    start, _ = rosenbrock(flat)
    state = optimizer.create_state(0, weight)
    for _ in range(3000):
        optimizer.update(0, weight, rosenbrock(flat)[1].reshape(weight.shape), state)
    assert rosenbrock(flat)[0] < 2e-3 * start


@functools.cache
def example():
    path = Path(__file__).parents[2] / "examples" / "digits.py"
    spec = importlib.util.spec_from_file_location("digits", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def initialize(name, array):
    if name.endswith("_bias"):
        array[:] = 0
    else:
        rng = np.random.default_rng(len(array))
        array[:] = rng.normal(size=array.shape) / np.sqrt(array.shape[1])


@every_setting
def test_trains_a_network(name, setting):
    digits = example()
    given = {"rescale_grad": 1.0} | setting.given
    given["rescale_grad"] /= digits.BATCH
    optimizer = create(name, learning_rate=setting.digits, **given)
    if type(optimizer).conformance.dimensions:
        held = [optimizer, mx.optimizer.create("adam", learning_rate=setting.digits, **given)]
        optimizer = mx.optimizer.create("mixed", patterns=[".*_weight", ".*"], optimizers=held)
        optimizer.idx2name = dict(enumerate(digits.SHAPES))
    curves = digits.train(optimizer, initialize, EPOCHS, seed=0)
    assert curves["test accuracy"][-1] >= ACCURACY
