"""Algorithms as text: what comes back is equal, and what others wrote is refused in words."""

import json

import numpy as np
import pytest

import weightopt_core as wo
from weightopt_core import hyperparameters


def test_an_optimizer_comes_back_with_its_scheduler_names_and_multipliers():
    optimizer = wo.optimizer.create(
        "sgd",
        momentum=0.9,
        lr_scheduler=wo.lr_scheduler.create("factor", step=2, factor=0.5),
        learning_rate=0.1,
        param_idx2name={0: "fc_weight", 1: "fc_bias"},
        clip_gradient=2,
    )
    optimizer.set_lr_mult({"fc_bias": 2.0})
    optimizer.set_wd_mult({0: 0.25})
    twin = wo.optimizer.create(optimizer.dumps())
    assert twin.dumps() == optimizer.dumps()
    assert repr(twin) == repr(optimizer)
    assert (twin.lr_mult, twin.wd_mult) == (optimizer.lr_mult, optimizer.wd_mult)
    assert twin.idx2name == {0: "fc_weight", 1: "fc_bias"}
    weights = [np.ones(3, np.float32) for _ in range(2)]
    for one, weight in zip((optimizer, twin), weights):
        for _ in range(5):
            one.update(0, weight, np.ones_like(weight), one.create_state(0, weight))
    assert (weights[0] == weights[1]).all()


def test_what_was_set_later_is_written():
    optimizer = wo.optimizer.create("adam")
    optimizer.beta1 = 0.5
    optimizer.learning_rate = 0.25
    assert json.loads(optimizer.dumps()) == ["adam", {"beta1": 0.5, "learning_rate": 0.25}]


def test_a_class_of_another_name_than_its_registered_one(isolated):
    @wo.optimizer.registry.alias("mine")
    class Renamed(wo.Optimizer):
        strength = hyperparameters.Real(1.0)

    text = Renamed(strength=2).dumps()
    assert json.loads(text) == ["mine", {"strength": 2}]
    assert type(wo.optimizer.create(text)) is Renamed


def test_a_class_that_nobody_can_find():
    class Hidden(wo.Optimizer):
        pass

    with pytest.raises(TypeError, match=r"optimizer: expected a class that is registered.*Hidden"):
        Hidden().dumps()


def test_a_constructor_of_its_own_is_not_written_in_part(isolated):
    @wo.optimizer.register
    class ByHand(wo.Optimizer):
        def __init__(self, strength=1.0, **kwargs):
            super().__init__(**kwargs)
            self.strength = strength

    with pytest.raises(
        TypeError, match=r"ByHand: expected declared hyperparameters alone.*strength"
    ):
        ByHand(strength=2).dumps()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"lr_scheduler": lambda n: 0.1}, "lr_scheduler: expected what can be written down"),
        ({"sym": type("Sym", (), {"list_arguments": list, "attr_dict": dict})()}, "sym: expected"),
    ],
)
def test_what_cannot_be_written(given, said):
    with pytest.raises(TypeError, match=said):
        wo.optimizer.create("adam", **given).dumps()


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "[]",
        '{"adam": {}}',
        '["adam"]',
        '["adam", {}, {}]',
        '["adam", []]',
        "[1, {}]",
        '["adam", {"beta1": 0.5, "beta1": 0.6}]',
        '["adam", {"beta1": NaN}]',
        '["adam", {"beta1": 1e999}]',
        "[" * 100_000,
        '["adam", {"beta1": ' + "[" * 5000 + "]" * 5000 + "}]",
        '["adam", {"lr_mult": 3}]',
        '["adam", {"lr_mult": [["w", -1.0]]}]',
        '["adam", {"lr_scheduler": ["factor", {"step": 0}]}]',
        '["adam", {"lr_scheduler": ["adam", {}]}]',
        '["adam", {"param_idx2name": [1]}]',
        '["adam", {"no_such": 1}]',
        '["os.system", {"command": "true"}]',
        '["adam", {"self": 1}]',
    ],
)
def test_text_that_is_wrong(text):
    with pytest.raises((TypeError, ValueError)) as caught:
        wo.optimizer.create(text)
    assert len(str(caught.value)) < 1000


def test_arguments_beside_text():
    with pytest.raises(TypeError, match="a name beside further arguments"):
        wo.optimizer.create('["adam", {}]', beta1=0.5)


def test_a_scheduler_by_its_text():
    optimizer = wo.optimizer.create("sgd", lr_scheduler=["factor", {"step": 1, "factor": 0.5}])
    assert optimizer.lr_scheduler(2) == 0.005
    with pytest.raises(ValueError, match=r"lr_scheduler: step: expected a number"):
        wo.optimizer.create("sgd", lr_scheduler='["factor", {"step": 0}]')
