"""The examples for initializers on MXNet's page, with arrays in place of its Module."""

import inspect
import json

import numpy as np
import pytest

import weightopt_core as mx

pytestmark = pytest.mark.usefixtures("isolated")


class Array(np.ndarray):
    def asnumpy(self):
        return np.asarray(self)


class Module:
    """Parameters by name, with the two methods that the page calls."""

    def __init__(self, **shapes):
        self.params = {name: np.full(shape, 7.0).view(Array) for name, shape in shapes.items()}

    def init_params(self, initializer):
        for name, arr in self.params.items():
            mx.init.create(initializer)(name, arr)

    def get_params(self):
        return self.params, {}


def printed(module, capsys):
    for dictionary in module.get_params():
        for key in dictionary:
            print(key)
            print(dictionary[key].asnumpy())
    return capsys.readouterr().out.replace("[ ", "[").split("\n")


def test_overview():
    mod = Module(fc_weight=(10, 20), fc_bias=(10,))
    mod.init_params(mx.initializer.Uniform(scale=1.0))
    weight = mod.params["fc_weight"]
    assert -1 <= weight.min() < -0.8
    assert 0.8 < weight.max() <= 1
    assert not mod.params["fc_bias"].any()


def test_dumps():
    # Create initializer and retrieve its parameters
    init = mx.init.Normal(0.5)
    assert init.dumps() == '["normal", {"sigma": 0.5}]'
    init = mx.init.Xavier(factor_type="in", magnitude=2.34)
    page = '["xavier", {"rnd_type": "uniform", "magnitude": 2.34, "factor_type": "in"}]'
    assert json.loads(init.dumps()) == json.loads(page)


def test_register():
    alias = mx.init.alias

    @mx.init.register
    @alias("myinit")
    class CustomInit(mx.init.Initializer):
        def __init__(self):
            super(CustomInit, self).__init__()  # noqa: UP008

        def _init_weight(self, _, arr):
            arr[:] = 0.1

        def _init_bias(self, _, arr):
            arr[:] = 1

    for initializer in ("custominit", "myinit", CustomInit()):
        module = Module(fc_weight=(2, 3), fc_bias=(2,))
        module.init_params(initializer)
        assert (module.params["fc_weight"] == 0.1).all()
        assert (module.params["fc_bias"] == 1).all()


def test_mixed(capsys):
    module = Module(fullyconnected1_weight=(1, 3), fullyconnected1_bias=(1,))
    init = mx.initializer.Mixed(["bias", ".*"], [mx.init.Zero(), mx.init.Uniform(0.1)])
    module.init_params(init)
    lines = printed(module, capsys)
    assert lines[0] == "fullyconnected1_weight"
    assert lines[-3:] == ["fullyconnected1_bias", "[0.]", ""]
    assert (abs(module.params["fullyconnected1_weight"]) <= 0.1).all()


def test_zero(capsys):
    module = Module(fullyconnected0_weight=(1, 3))
    init = mx.initializer.Zero()
    module.init_params(init)
    assert printed(module, capsys) == ["fullyconnected0_weight", "[[0. 0. 0.]]", ""]


def test_one(capsys):
    module = Module(fullyconnected0_weight=(1, 3))
    init = mx.initializer.One()
    module.init_params(init)
    assert printed(module, capsys) == ["fullyconnected0_weight", "[[1. 1. 1.]]", ""]


def test_uniform(capsys):
    module = Module(fullyconnected0_weight=(1, 3))
    init = mx.init.Uniform(0.1)
    module.init_params(init)
    assert printed(module, capsys)[0] == "fullyconnected0_weight"
    assert (abs(module.params["fullyconnected0_weight"]) <= 0.1).all()


def test_normal(capsys):
    module = Module(fullyconnected0_weight=(1, 3))
    init = mx.init.Normal(0.5)
    module.init_params(init)
    assert printed(module, capsys)[0] == "fullyconnected0_weight"
    assert len(set(module.params["fullyconnected0_weight"].flat)) == 3


SIGNATURES = {
    "Uniform": "scale=0.07",
    "Normal": "sigma=0.01",
    "Load": "param, default_init=None, verbose=False",
    "Mixed": "patterns, initializers",
    "Zero": "",
    "One": "",
    "Constant": "value",
    "Orthogonal": "scale=1.414, rand_type='uniform'",
    "Xavier": "rnd_type='uniform', factor_type='avg', magnitude=3",
    "MSRAPrelu": "factor_type='avg', slope=0.25",
    "Bilinear": "",
    # The page requires it, MXNet does not.
    "LSTMBias": "forget_bias=1.0",
    "FusedRNN": "init, num_hidden, num_layers, mode, bidirectional=False, forget_bias=1.0",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name):
    cls = getattr(mx.initializer, name)
    assert getattr(mx.init, name) is cls
    parameters = inspect.signature(cls).parameters.values()
    named = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert ", ".join(map(str, named)) == SIGNATURES[name]
