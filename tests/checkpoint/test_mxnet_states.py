"""The converter of MXNet's states, run against a stand-in for what it uses of MXNet."""

import importlib.util
import sys
import types
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import weightopt_core as mx

SCRIPT = Path(__file__).parents[2] / "examples" / "mxnet_states.py"


class NDArray:
    """An array of MXNet, as far as it is needed."""

    def __init__(self, values):
        self._values = values

    def asnumpy(self):
        return self._values.copy()


class Updater:
    """An updater of MXNet, whose files name what the test has put into `saved`."""

    saved: ClassVar = {}

    def __init__(self, optimizer):
        self.optimizer, self.states = optimizer, {}

    def set_states(self, data):
        self.states = self.saved[data.decode()]


def create(name, learning_rate=0.01, **given):
    kind = type(name, (), {})
    optimizer = kind()
    vars(optimizer).update(given, lr=learning_rate, num_update=0, _index_update_count={})
    optimizer._get_lr = lambda index: learning_rate * (2 if index == 1 else 1)
    return optimizer


@pytest.fixture
def converter(monkeypatch):
    """The script, as it is where MXNet is installed."""
    standin = types.ModuleType("mxnet")
    standin.__version__ = "0.11.0"
    standin.optimizer = types.SimpleNamespace(create=create, get_updater=Updater)
    monkeypatch.setitem(sys.modules, "mxnet", standin)
    spec = importlib.util.spec_from_file_location("mxnet_states", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def nested(arrays):
    return tuple(NDArray(array) for array in arrays)


def as_mxnet(name, state, half, later):
    """Return a state of this library in the layout of MXNet."""
    arrays = list(state) if isinstance(state, tuple) else [] if state is None else [state]
    master = NDArray(arrays.pop()) if half else None
    if name == "nag" and later:
        arrays = [-np.float32(0.05) * array for array in arrays]
    if name in ("sgd", "ccsgd", "nag"):
        plain = NDArray(arrays[0]) if arrays else None
        return (plain, master) if half else plain
    if name == "dcasgd":
        plain = (None if len(arrays) == 1 else NDArray(arrays[0]), NDArray(arrays[-1]))
    elif name in ("adagrad", "test"):
        plain = NDArray(arrays[0])
    else:
        plain = nested(arrays) if arrays else None
    return (master, plain) if half else plain


NAMES = {
    "sgd": {}, "ccsgd": {"momentum": 0.9}, "nag": {"momentum": 0.9}, "dcasgd": {}, "sgld": {},
    "adam": {}, "adagrad": {}, "adadelta": {}, "ftrl": {}, "adamax": {}, "nadam": {}, "test": {},
    "rmsprop": {"centered": False},
}  # fmt: skip
CASES = [*NAMES.items(), ("rmsprop", {"centered": True}), ("dcasgd", {"momentum": 0.5})]
CASES += [("sgd", {"momentum": 0.9}), ("nag", {"momentum": 0.0})]


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(("name", "given"), CASES)
def test_training_goes_on_from_converted_states(
    name, given, later, half, converter, tmp_path, monkeypatch
):
    rng = np.random.default_rng(0)
    given = given | ({"multi_precision": True} if half else {}) | {"learning_rate": 0.05}
    ours = given | ({"seed": 3} if name == "sgld" else {})
    monkeypatch.setattr(sys.modules["mxnet"], "__version__", "1.9.1" if later else "0.11.0")
    whole = mx.optimizer.get_updater(mx.optimizer.create(name, **ours))
    weights = {0: rng.normal(size=(2, 3)), "fc_weight": rng.normal(size=4)}
    weights = {i: w.astype(np.float16 if half else np.float32) for i, w in weights.items()}
    grads = [{i: rng.normal(size=w.shape).astype(w.dtype) for i, w in weights.items()}] * 3
    for grad in grads:
        for index, weight in weights.items():
            whole(index, grad[index], weight)
    states = {i: as_mxnet(name, state, half, later) for i, state in whole.states.items()}
    monkeypatch.setitem(Updater.saved, "file", states)
    (tmp_path / "old").write_text("file")
    settings = [f"--set={key}={str(value).lower()}" for key, value in given.items()]
    files = [str(tmp_path / "old"), name, "--output", str(tmp_path / "new")]
    converter.main([*files, *settings, "--num-update", "3"])
    resumed = mx.optimizer.get_updater(mx.optimizer.create(name, **ours))
    resumed.set_states((tmp_path / "new").read_bytes())
    resumed.optimizer.noise_seed = whole.optimizer.noise_seed
    for index, weight in weights.items():
        other = weight.copy()
        whole(index, grads[0][index], weight)
        resumed(index, grads[0][index], other)
        # Multiplied by the rate and divided again, a momentum is rounded twice.
        limit = 1e-6 if name == "nag" and later else 0
        np.testing.assert_allclose(other, weight, rtol=limit, atol=limit)
    assert resumed.optimizer.num_update == whole.optimizer.num_update == 4


def test_counts_of_the_optimizer_are_taken(converter):
    optimizer = create("SGD", momentum=0.9)
    optimizer._index_update_count = {0: 5, 1: 7, 2: 9}
    updater = Updater(optimizer)
    updater.states = {0: NDArray(np.ones(2)), 1: NDArray(np.ones(2))}
    other = mx.optimizer.get_updater(mx.optimizer.create("sgd", momentum=0.9))
    other.set_states(converter.convert(updater))
    assert other.optimizer._index_update_count == {0: 5, 1: 7}


def test_the_rate_of_each_weight_is_taken_out_of_its_step(converter, monkeypatch):
    monkeypatch.setattr(sys.modules["mxnet"], "__version__", "1.5.0")
    updater = Updater(create("NAG", learning_rate=0.5, momentum=0.9))
    updater.states = {0: NDArray(np.ones(2)), 1: NDArray(np.ones(2))}
    other = mx.optimizer.get_updater(mx.optimizer.create("nag", momentum=0.9))
    other.set_states(converter.convert(updater, 4))
    np.testing.assert_array_equal(other.states[0], [-2, -2])
    np.testing.assert_array_equal(other.states[1], [-1, -1])


@pytest.mark.parametrize(
    ("name", "given", "states", "num_update", "match"),
    [
        ("sgd", {}, {0: None}, None, r"num_update: expected one, as the states of \[0\] have no"),
        ("sgd", {}, {0: NDArray(np.ones(1))}, 1, "state of 0: expected 0 arrays, got 1; give"),
        ("sgd", {"momentum": 0.5}, {0: None}, 1, "state of 0: expected 1 arrays, got 0; give"),
        ("ftml", {}, {}, 1, "optimizer: expected one of adadelta, .*, got ftml"),
    ],
)
def test_what_cannot_be_converted_is_said(name, given, states, num_update, match, converter):
    updater = Updater(create(name, **given))
    updater.states = states
    with pytest.raises(ValueError, match=match):
        converter.convert(updater, num_update)
