"""States in 8 bits, which are rows of bytes and not of their parameter's shape."""

import copy
import io
import pickle

import pytest

torch = pytest.importorskip("torch")

import numpy as np
import weightopt_torch
from torch import nn

import weightopt_core as wo

SHAPES = {"weight": (40, 30), "bias": (7,), "scalar": (), "empty": (0, 3)}


def made(dtype=torch.float32, name="adam", shapes=SHAPES, **given):
    """Return parameters, an optimizer over them, and what steps NumPy arrays alike."""
    torch.manual_seed(0)
    params = {key: nn.Parameter(torch.randn(shape).to(dtype)) for key, shape in shapes.items()}
    given = {"lr": 0.01, "state_dtype": "int8", **given}
    optimizer = weightopt_torch.create(name, params.items(), **given)
    optimizer.param_groups[0]["noise_seed"] = 5
    return params, optimizer


def step(params, optimizer, seed):
    torch.manual_seed(seed)
    for param in params.values():
        param.grad = torch.randn(param.shape).to(param.dtype)
    optimizer.step()


def contents(params, optimizer):
    tensors = [*params.values()]
    for param in params.values():
        tensors += [value for key, value in optimizer.state[param].items() if key != "step"]
    return [tensor.detach().clone() for tensor in tensors]


def assert_equal(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", ["adam", "lamb", "nag"])
def test_bits_are_those_on_numpy(name):
    given = {"momentum": 0.9} if name == "nag" else {}
    params, optimizer = made(name=name, **given)
    core = wo.optimizer.create(name, learning_rate=0.01, state_dtype="int8", **given)
    core.noise_seed = 5
    weights = {key: param.detach().numpy().copy() for key, param in params.items()}
    core.wd = optimizer.param_groups[0]["weight_decay"]
    core.set_wd_mult(dict.fromkeys(weights, 1.0))
    states = {key: core.create_state(key, weight) for key, weight in weights.items()}
    for seed in range(3):
        step(params, optimizer, seed)
        for key, weight in weights.items():
            core.update(key, weight, params[key].grad.numpy(), states[key])
    for key, param in params.items():
        assert np.array_equal(param.detach().numpy(), weights[key])
        own = states[key] if isinstance(states[key], tuple) else (states[key],)
        found = [value for name, value in optimizer.state[param].items() if name != "step"]
        for one, other in zip(own, found, strict=True):
            assert other.dtype is torch.uint8
            assert np.array_equal(one, other.numpy())


@pytest.mark.parametrize("way", ["state_dict", "torch.save", "pickle", "deepcopy"])
@pytest.mark.parametrize("given", [{}, {"multi_precision": True}], ids=["plain", "master"])
def test_a_resumed_run_goes_on(way, given):
    dtype = torch.bfloat16 if given else torch.float32
    params, optimizer = made(dtype, **given)
    for seed in range(2):
        step(params, optimizer, seed)
    others, other = made(dtype, **given)
    if way in ("pickle", "deepcopy"):
        pair = params, optimizer
        others, other = pickle.loads(pickle.dumps(pair)) if way == "pickle" else copy.deepcopy(pair)
    else:
        saved = optimizer.state_dict()
        if way == "torch.save":
            file = io.BytesIO()
            torch.save(saved, file)
            file.seek(0)
            saved = torch.load(file, weights_only=True)
        for key, param in others.items():
            param.data.copy_(params[key].detach())
        other.load_state_dict(saved)
    for pair in ((params, optimizer), (others, other)):
        step(*pair, 9)
    assert_equal(contents(params, optimizer), contents(others, other))


def test_states_of_another_form_or_size_are_refused():
    params, optimizer = made(shapes={"weight": (40, 30)})
    step(params, optimizer, 0)
    plain, plainly = made(shapes={"weight": (40, 30)}, state_dtype=None)
    step(plain, plainly, 0)
    kept = optimizer.state_dict()
    optimizer.state[params["weight"]], plainly.state[plain["weight"]] = (
        plainly.state[plain["weight"]],
        optimizer.state[params["weight"]],
    )
    for pair in ((params, optimizer), (plain, plainly)):
        with pytest.raises(TypeError, match=r"dtype of 'mean' in state of weight.*state_dtype"):
            step(*pair, 1)
    _, smaller = made(shapes={"weight": (40, 29)})
    with pytest.raises(ValueError, match=r"shape of 'mean' .*expected \(1180,\), got \(1220,\)"):
        smaller.load_state_dict(kept)


def test_a_layout_that_no_state_tells_is_refused():
    weight = nn.Parameter(torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last))
    optimizer = weightopt_torch.create("adam", [weight], state_dtype="int8")
    weight.grad = torch.ones_like(weight)
    with pytest.raises(ValueError, match="expected a contiguous parameter with state_dtype='int8'"):
        optimizer.step()
    assert (weight == 1).all()
    assert not optimizer.state
