"""Numbers of an optimizer's own that indices of equal rates and counts have in common."""

import numpy as np
import pytest

import weightopt_core as wo
from weightopt_core import random
from weightopt_core.rule import norm
from weightopt_core.testing.arrays import same_bits
from weightopt_core.testing.subject import Subject

GROUPED = [
    name
    for name in wo.optimizer.registry.names()
    if wo.optimizer.registry.find(name).numbers_by_group
]


@wo.update_rule
def leaning(weight, grad, *, lr, lean):
    return weight - lr * (grad + lean * weight)


@wo.update_rule
def normed(weight, grad, *, lr, lean):
    return weight - lr * (grad + lean * norm(weight) * weight)


class Leaning(wo.Optimizer):
    rule = leaning
    numbers_by_group = True
    strength = wo.hyperparameters.Real(1.0)
    #: Index and count of each call of `numbers`.
    asked: list

    def numbers(self, index, t):
        self.asked.append((index, t))
        return {"lean": self.strength / t + self._get_lr(index)}


class Normed(Leaning):
    rule = normed


def arrays(count):
    return [np.linspace(1, 2, 5 + i) for i in range(count)]


def run(cls, by_group, prepare=lambda optimizer: None):
    """Return the weights after three steps of four indices, and who was asked at each."""
    cls = type(cls.__name__, (cls,), {"numbers_by_group": by_group})
    optimizer = cls(learning_rate=0.5, param_idx2name={i: f"w{i}" for i in range(4)})
    prepare(optimizer)
    weights, asked = arrays(4), []
    for t in range(3):
        optimizer.asked = []
        grads = [weight * (t + 1) for weight in weights]
        optimizer.update([0, 1, 2, 3], weights, grads, [None] * 4)
        asked.append({index for index, _ in optimizer.asked})
    optimizer.asked = []
    optimizer.update(2, weights[2], weights[2].copy(), None)
    asked.append({index for index, _ in optimizer.asked})
    return weights, asked


@pytest.mark.parametrize("cls", [Leaning, Normed])
def test_one_of_each_group_is_asked(cls):
    def prepare(optimizer):
        optimizer.set_lr_mult({"w1": 0.5, "w3": 0.5})

    weights, asked = run(cls, True, prepare)
    expected, each = run(cls, False, prepare)
    assert asked == [{0, 1}] * 3 + [{2}]
    assert each == [{0, 1, 2, 3}] * 3 + [{2}]
    assert all(map(same_bits, weights, expected))


@pytest.mark.parametrize("cls", [Leaning, Normed])
def test_settings_of_single_parameters_hold(cls):
    def prepare(optimizer):
        optimizer.set_for("w2", lr_mult=0.1)

    assert all(map(same_bits, run(cls, True, prepare)[0], run(cls, False, prepare)[0]))


def test_counts_apart_are_groups_apart():
    optimizer = Leaning(learning_rate=0.5)
    optimizer.asked = []
    weights = arrays(2)
    optimizer.update(0, weights[0], weights[0].copy(), None)
    optimizer.asked.clear()
    optimizer.update([0, 1], weights, [weight.copy() for weight in weights], [None] * 2)
    assert set(optimizer.asked) == {(0, 2), (1, 1)}


@pytest.mark.parametrize("name", GROUPED)
@pytest.mark.parametrize("t", [1, 2, 1000])
def test_what_is_installed_looks_at_no_index(name, t):
    for given in Subject(wo.optimizer.registry.find(name)).each_rule():
        optimizer = Subject(wo.optimizer.registry.find(name)).create(**given)
        found = [optimizer.numbers_at(index, t) for index in (0, 7, "fc_bias")]
        assert found[0] == found[1] == found[2]


def test_keys_of_many_are_those_of_each():
    optimizer = wo.optimizer.create("sgld", seed=5, param_idx2name={0: "a"})
    found = optimizer._stepper.keys(optimizer, optimizer.rule, (0, 1, "b"), (3, 1, 2))
    names = ["noise/a/3", "noise/1/1", "noise/b/2"]
    assert found == [random.stream(name, 5) for name in names]
