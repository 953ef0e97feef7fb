"""Initializers over modules: names, hooks, seeds, dtypes and memory."""

import pytest

torch = pytest.importorskip("torch")

import numpy as np
import weightopt_torch
from numpy_twin import DTYPES
from torch import nn
from weightopt_torch.memory import STORAGE, host_view

import weightopt_core as wo
from weightopt_core.dtypes import dtype_of
from weightopt_core.testing.arrays import same_bits
from weightopt_core.testing.subject import Subject

NAMES = wo.init.registry.names()


class Holder(nn.Module):
    """Parameters by names that may have dots, as those of modules within do."""

    def __init__(self, shapes, dtype=torch.float32):
        super().__init__()
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.full(shape, 7.0, dtype=dtype)))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_numpy_arrays(name, dtype):
    subject = Subject(wo.init.registry.find(name))
    ends = ("weight", "bias", "gamma", "beta") if subject.shape == (6, 4, 3, 2) else ("weight",)
    module = Holder({f"fc_{end}": subject.shape for end in ends}, dtype)
    laid_out = []
    for one in module.parameters():
        if one.ndim == 4:
            one.data = one.data.contiguous(memory_format=torch.channels_last)
        laid_out.append((one.stride(), one._version))
    given = subject.arguments | ({"seed": 3} if "seed" in subject.cls.hyperparameters else {})
    expected = wo.init.create(name, **given)
    weightopt_torch.init(module, name, **(subject.arguments | {"seed": 3}))
    for (key, one), (stride, version) in zip(module.named_parameters(), laid_out, strict=True):
        array = np.empty(subject.shape, dtype_of(STORAGE[dtype]))
        expected(key, array)
        assert same_bits(host_view(one.contiguous()), array), key
        assert one.stride() == stride
        assert one._version > version
        assert one.requires_grad


def network():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), nn.GroupNorm(1, 5), nn.RMSNorm(5)),
        nn.InstanceNorm1d(3, affine=True),
        nn.LSTM(2, 3, num_layers=2, bidirectional=True),
        nn.Embedding(7, 2),
        nn.MultiheadAttention(4, 2, add_bias_kv=True),
    )


def values(module):
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def test_modules_of_torch():
    module = network()
    with torch.no_grad():
        for one in module.parameters():
            one.fill_(7.0)
    buffers = {name: b.clone() for name, b in module.named_buffers()}
    weightopt_torch.init(module, "normal", seed=1, sigma=0.5)
    for name, value in values(module).items():
        parent = module.get_submodule(name.rpartition(".")[0])
        last = name.rpartition(".")[2]
        if last.startswith("bias") or last.endswith("bias"):
            assert not value.any(), name
        elif "Norm" in type(parent).__name__:
            assert (value == 1).all(), name
        else:
            assert 0.1 < value.std() < 1, name
    assert all(torch.equal(b, buffers[name]) for name, b in module.named_buffers())


def test_a_seed_and_the_names_decide_alone():
    module, other = network(), network()
    weightopt_torch.init(module, "xavier", seed=5)
    wo.random.seed(99)
    weightopt_torch.init(nn.Linear(3, 3), "xavier")
    weightopt_torch.init(reversed([*other.named_parameters()]), "normal", seed=5)
    weightopt_torch.init(other, "xavier", seed=5)
    first, second = values(module), values(other)
    assert all(torch.equal(first[name], second[name]) for name in first)
    weightopt_torch.init(other, "xavier", seed=6)
    assert not torch.equal(first["0.weight"], values(other)["0.weight"])


def test_pairs_in_any_order():
    found = []
    for turn in (list, reversed):
        params = {name: nn.Parameter(torch.zeros(4, 3)) for name in ("a.weight", "b.weight")}
        weightopt_torch.init(turn([*params.items()]), "uniform", seed=2)
        found.append(params)
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    assert not torch.equal(found[0]["a.weight"], found[0]["b.weight"])


def test_without_a_seed_the_global_one_holds():
    module, other = nn.Linear(3, 4), nn.Linear(3, 4)
    wo.random.seed(4)
    weightopt_torch.init(module, "normal")
    array = np.empty((4, 3), np.float32)
    wo.random.seed(4)
    wo.init.create("normal")("weight", array)
    assert torch.equal(module.weight, torch.from_numpy(array))
    weightopt_torch.init(other, "normal")
    assert not torch.equal(module.weight, other.weight)


def test_a_seed_reaches_initializers_within_others():
    module, other, alone = nn.Linear(3, 4), nn.Linear(3, 4), nn.Linear(3, 4)
    mixed = wo.init.Mixed([".*bias", ".*"], ["zero", "normal"])
    weightopt_torch.init(module, mixed, seed=5)
    weightopt_torch.init(other, mixed, seed=5)
    weightopt_torch.init(alone, "normal", seed=5)
    assert torch.equal(module.weight, other.weight)
    assert torch.equal(module.weight, alone.weight)
    assert mixed.initializers[1].seed is None  # the caller's own is as it was
    weightopt_torch.init(other, wo.init.create("load", {}, default_init="normal"), seed=5)
    assert torch.equal(module.weight, other.weight)
    own = wo.init.create("normal", seed=8)
    weightopt_torch.init(module, own, seed=5)
    weightopt_torch.init(other, own)
    assert torch.equal(module.weight, other.weight)


def test_shared_and_frozen_parameters():
    module = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    module[1].weight = module[0].weight
    module[0].bias.requires_grad_(False)
    weightopt_torch.init(module, "constant", value=0.25)
    assert (module[1].weight == 0.25).all()
    assert not module[0].bias.any()
    assert not module[0].bias.requires_grad


def test_a_backward_pass_through_old_values_is_refused():
    module = nn.Linear(2, 2)
    loss = module(torch.ones(1, 2, requires_grad=True)).sum()
    weightopt_torch.init(module, "one")
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_names_that_say_nothing():
    module = Holder({"fc_weight": (2, 2), "token": (2,)})
    before = values(module)
    with pytest.raises(ValueError, match="parameter 'token': its name ends in none of"):
        weightopt_torch.init(module, "normal")
    assert all(torch.equal(before[name], value) for name, value in values(module).items())
    described = wo.init.InitDesc("token", {"__init__": '["constant", {"value": 0.5}]'})
    weightopt_torch.init([(described, module.token)], "normal")
    assert (module.token == 0.5).all()


REFUSED = [
    (lambda: nn.Linear(2, 2), ("xaver",), ValueError, "did you mean 'xavier'"),
    (lambda: nn.Linear(2, 2), ("xavier", {"magnitud": 3}), TypeError, "no argument 'magnitud'"),
    (lambda: nn.Linear(2, 2), ("xavier", {"seed": -1}), ValueError, "seed: expected an integer"),
    (lambda: nn.Linear(2, 2), ("xavier", {"seed": "a"}), TypeError, "seed: expected an integer"),
    (lambda: nn.Linear(2, 2), (7,), TypeError, "initializer: expected an Initializer"),
    (lambda: nn.Linear(2, 2, device="meta"), ("xavier",), TypeError, "got one on meta"),
    (lambda: nn.LazyLinear(2), ("xavier",), TypeError, "weight: expected a parameter with memory"),
    (lambda: nn.Linear(2, 2).parameters(), ("xavier",), TypeError, "pairs of name and parameter"),
    (lambda: "module", ("xavier",), TypeError, "module: expected a module, or pairs"),
    (lambda: None, ("xavier",), TypeError, "module: expected a module, or pairs"),
    (
        lambda: [("weight", torch.ones(2, dtype=torch.complex64))],
        ("xavier",),
        TypeError,
        "weight: expected a parameter of dtype",
    ),
    (lambda: Holder({"fc_bias": (2,), "fc_weight": ()}), ("xavier",), ValueError, "fc_weight"),
]


IDS = [message for *_, message in REFUSED]


@pytest.mark.parametrize(("make", "arguments", "error", "message"), REFUSED, ids=IDS)
def test_refusals(make, arguments, error, message):
    module = make()
    watched = module if isinstance(module, Holder) else nn.Module()
    before = values(watched)
    name, *given = arguments
    with pytest.raises(error) as caught:
        weightopt_torch.init(module, name, **(given[0] if given else {}))
    assert message in str(caught.value)
    assert all(torch.equal(before[key], value) for key, value in values(watched).items())
