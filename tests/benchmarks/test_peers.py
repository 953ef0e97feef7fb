"""What the benchmarks compare: the limit's loop, and peers that compute what the project does."""

import sys
from pathlib import Path

import numpy as np
import pytest

import weightopt_core as mx

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks import limit, workloads
from benchmarks.algorithms import algorithms
from benchmarks.peers import peers
from benchmarks.project import OneByOne, Updater, WeightOpt

ALGORITHMS = algorithms()
SHAPES = [(40, 5), (7,)]
PEERS = [
    pytest.param(peer, name, id=f"{peer.name} {name}")
    for peer in peers().values()
    for name in peer.algorithms
]


@pytest.fixture(autouse=True)
def threads():
    yield
    mx.set_num_threads(None)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", ["sgd", "lion", "adam", "rmsprop-centered"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_limit_touches_every_byte_and_changes_none(threads, name, dtype, monkeypatch):
    monkeypatch.setattr(limit, "SHORT", 0)
    shapes = [(1,), (50, 7), (3,), (1001,), (64,)]
    weights, grads = (workloads.arrays(shapes, dtype, seed) for seed in range(2))
    before = [weight.copy() for weight in weights]
    contestant = limit.Limit()
    contestant.set_threads(threads)
    run = contestant.step(weights, grads, ALGORITHMS[name])
    run()
    assert all((weight == old).all() for weight, old in zip(weights, before))
    run(mask=255)
    for old, (grad, weight, *states) in zip(before, run.__defaults__[1]):
        assert weight.tobytes() == (old.view(np.uint8) ^ grad.view(np.uint8)).tobytes()
        assert len(states) == ALGORITHMS[name].states
        assert all(state.tobytes() == grad.tobytes() for state in states)


@pytest.mark.parametrize(("peer", "name"), PEERS)
def test_peers_compute_the_same(peer, name):
    if peer.reason():
        pytest.skip(f"{peer.name}: {peer.reason()}")
    moved = []
    for contestant in (WeightOpt(), peer):
        start, weights, grads = (workloads.arrays(SHAPES, np.float32, seed) for seed in (0, 0, 1))
        for grad in grads:
            grad += np.copysign(1, grad)  # epsilon, which each adds elsewhere, is nothing beside it
        before = [grad.copy() for grad in grads]
        contestant.set_threads(1)
        step = contestant.step(weights, grads, ALGORITHMS[name])
        for _ in range(3):
            weights = step()
        moved.append(
            np.concatenate([np.ravel(a - b) for a, b in zip(contestant.values(weights), start)])
        )
        assert all((grad == old).all() for grad, old in zip(grads, before))
    ours, theirs = moved
    np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("contestant", [Updater(), OneByOne()])
def test_the_other_ways_of_the_project_are_the_same(contestant):
    values = []
    for each in (WeightOpt(), contestant):
        weights, grads = (workloads.arrays([(3,), (4,)], np.float32, seed) for seed in range(2))
        values.append(each.step(weights, grads, ALGORITHMS["adam"])())
    assert all((a == b).all() for a, b in zip(*values))
