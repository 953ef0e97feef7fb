"""Runs that are saved and go on elsewhere have the bits of runs that were not interrupted."""

import pytest

torch = pytest.importorskip("torch")

import copy
import io
import pickle
import subprocess
import sys
from pathlib import Path

import jobs
import numpy as np
import weightopt_torch
from numpy_twin import DTYPES, GROUPS, cases, named, set_gradients

import weightopt_core as wo

NAMES = jobs.names()
MASTER = {"multi_precision": True}


def made(name, dtype, given):
    params = named(dtype)
    groups = {pattern: {"weight_decay": 0.125} for pattern in GROUPS}
    optimizer = weightopt_torch.create(name, params.items(), groups=groups, lr=0.01, **given)
    for group in optimizer.param_groups:  # who draws, draws the same in both runs
        group["noise_seed"] = 7
    optimizer.load_state_dict(optimizer.state_dict())
    return params, optimizer


def run(params, optimizer, steps, seed):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        set_gradients(params, rng)
        optimizer.step()


def contents(params, optimizer):
    """Return copies of all weights and states."""
    states = [dict(optimizer.state[p]) for p in params.values()]
    found = [*params.values(), *(v for state in states for k, v in state.items() if k != "step")]
    return [tensor.detach().clone() for tensor in found]


def assert_equal(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other):
        assert a.dtype == b.dtype
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)


def given_for(name):
    """Return the settings that are followed, with states in several dtypes."""
    return [given | MASTER for given in cases(name)]


GO_ON = """
import sys
import torch
sys.path.insert(0, sys.argv[1])
from test_resuming import contents, given_for, made, run
from numpy_twin import DTYPES
saved = torch.load(sys.argv[2], weights_only=True)
found = {}
for (name, number, dtype), (weights, states) in saved.items():
    params, optimizer = made(name, DTYPES[dtype], given_for(name)[number])
    with torch.no_grad():
        for key, parameter in params.items():
            parameter.copy_(weights[key])
    optimizer.load_state_dict(states)
    run(params, optimizer, 20, 2)
    found[name, number, dtype] = contents(params, optimizer)
torch.save(found, sys.argv[3])
"""


def test_a_new_process_goes_on_with_the_same_bits(tmp_path):
    saved, straight = {}, {}
    for name in NAMES:
        for number, given in enumerate(given_for(name)):
            for dtype in range(len(DTYPES)):
                params, optimizer = made(name, DTYPES[dtype], given)
                run(params, optimizer, 20, 1)
                weights = {key: p.detach().clone() for key, p in params.items()}
                saved[name, number, dtype] = weights, optimizer.state_dict()
                run(params, optimizer, 20, 2)
                straight[name, number, dtype] = contents(params, optimizer)
    torch.save(saved, tmp_path / "saved.pt")
    paths = tmp_path / "saved.pt", tmp_path / "found.pt"
    command = [sys.executable, "-c", GO_ON, Path(__file__).parent, *paths]
    subprocess.run(command, check=True)
    found = torch.load(paths[1], weights_only=True)
    assert found.keys() == straight.keys()
    for key, expected in straight.items():
        assert_equal(found[key], expected)


def by_load_state_dict(params, optimizer):
    twin = {name: torch.nn.Parameter(p.detach().clone()) for name, p in params.items()}
    groups = {pattern: {} for pattern in GROUPS}
    other = type(optimizer)(twin.items(), groups=groups, lr=9.0)
    other.load_state_dict(optimizer.state_dict())
    return twin, other


def by_deepcopy(params, optimizer):
    return copy.deepcopy((params, optimizer))


def by_pickle(params, optimizer):
    return pickle.loads(pickle.dumps((params, optimizer)))


def by_save(params, optimizer):
    file = io.BytesIO()
    torch.save((params, optimizer), file)
    file.seek(0)
    return torch.load(file, weights_only=False)


WAYS = [by_load_state_dict, by_deepcopy, by_pickle, by_save]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_two_go_on_alike_and_share_nothing(name, way):
    for given in given_for(name):
        params, optimizer = made(name, torch.bfloat16, given)
        run(params, optimizer, 3, 1)
        if way is by_load_state_dict:
            _, other = by_load_state_dict(params, optimizer)
            assert not {group["lr"] for group in other.param_groups} & {9.0}
        twin, other = way(params, optimizer)
        before = contents(twin, other)
        run(params, optimizer, 3, 2)
        assert_equal(contents(twin, other), before)
        after = contents(params, optimizer)
        run(twin, other, 3, 2)
        assert_equal(contents(params, optimizer), after)
        assert_equal(contents(twin, other), after)


def test_a_state_dict_stays_as_it_was():
    params, optimizer = made("adam", torch.float32, {})
    run(params, optimizer, 2, 1)
    saved = optimizer.state_dict()
    before = copy.deepcopy(saved)
    run(params, optimizer, 2, 2)
    optimizer.load_state_dict(saved)
    run(params, optimizer, 2, 2)
    assert saved["param_groups"] == before["param_groups"]
    for number, state in before["state"].items():
        for key, tensor in state.items():
            assert torch.equal(saved["state"][number][key], tensor)


def test_counts_are_saved():
    params, optimizer = made("adam", torch.float32, {})
    run(params, optimizer, 4, 1)
    states = optimizer.state_dict()["state"]
    assert {int(state["step"]) for state in states.values()} == {4}
    assert {state["step"].dtype for state in states.values()} == {torch.int64}


def test_a_state_dict_before_any_step():
    params, optimizer = made("adam", torch.float32, {})
    assert optimizer.state_dict()["state"] == {}
    twin, other = by_load_state_dict(params, optimizer)
    run(params, optimizer, 3, 1)
    run(twin, other, 3, 1)
    assert_equal(contents(twin, other), contents(params, optimizer))


def test_a_scheduler_goes_on_where_it_was():
    schedule = wo.lr_scheduler.create("factor", step=4, factor=0.5)
    found = []
    for interrupted in (False, True):
        params = named(torch.float32)
        optimizer = weightopt_torch.create("adam", params.items(), lr_scheduler=schedule)
        run(params, optimizer, 6, 1)
        if interrupted:
            states = optimizer.state_dict()
            optimizer = weightopt_torch.create("adam", params.items(), lr_scheduler=schedule)
            optimizer.load_state_dict(states)
        run(params, optimizer, 6, 2)
        found.append((contents(params, optimizer), optimizer.param_groups[0]["lr"]))
    assert_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1] == 0.001 * 0.5**2
    with_torch = weightopt_torch.create("adam", params.items())
    torch.optim.lr_scheduler.StepLR(with_torch, 2)
    assert "initial_lr" in with_torch.state_dict()["param_groups"][0]


@pytest.mark.parametrize("trained", [False, True])
def test_modules_in_other_dtypes_keep_their_states(trained):
    """A state of float32 beside weights of 16 bits is not halved on its way."""
    params, optimizer = made("adam", torch.bfloat16, MASTER)
    run(params, optimizer, 5 * trained, 1)
    twin, other = by_load_state_dict(params, optimizer)
    run(twin, other, 1, 2)
    run(params, optimizer, 1, 2)
    dtypes = {v.dtype for s in other.state.values() for k, v in s.items() if k != "step"}
    assert dtypes == {torch.float32}
    assert_equal(contents(twin, other), contents(params, optimizer))
