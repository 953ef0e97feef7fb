"""Servers that are killed, and machines that are lost."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import ray
from ray_jobs import alone, small, start

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]

ROUNDS = 30


def kill_later(store, chance, jobs, least=1):
    """Kill processes of servers now and then while workers run; return how many."""
    kills = 0
    while ray.wait(jobs, num_returns=len(jobs), timeout=chance.uniform(0.1, 0.6))[1]:
        if kills < 2:
            actor = chance.choice(store._actors)
            try:
                pid = ray.get(actor.place.remote(), timeout=5)[1]
            except ray.exceptions.RayError:
                continue
            os.kill(pid, signal.SIGKILL)
            kills += 1
    assert kills >= least
    return kills


@pytest.mark.parametrize("seed", range(20))
def test_durable_runs_survive_kills_bit_for_bit(stores, tmp_path, seed):
    chance = random.Random(seed)
    store = stores(num_servers=2, num_workers=2, folder=tmp_path, durable=True, checkpoint_every=5)
    jobs = start(store, small(), "adam", ROUNDS, 0.05)
    kill_later(store, chance, jobs)
    expected = alone(small(), "adam", ROUNDS, 2)
    for found, report in ray.get(jobs):
        assert report.lost == 0
        assert all((one == other).all() for one, other in zip(found, expected))


@pytest.mark.parametrize("seed", range(3))
def test_by_default_the_loss_is_reported(stores, tmp_path, seed):
    """Each push adds 1 to all elements, so that the weights say how many were applied."""
    store = stores(mode="dist_async", num_workers=2, folder=tmp_path, checkpoint_every=10)
    jobs = [ones.remote(store, rank, ROUNDS) for rank in range(2)]
    kill_later(store, random.Random(seed), jobs)
    found = ray.get(jobs)
    lost = sum(report.lost for report in found)
    looker = store.pull("w")
    assert set(looker.tolist()) == {2.0 * ROUNDS - lost}


@ray.remote(num_cpus=0)
def ones(store, rank, count):
    store = store.worker(rank)
    store.init("w", np.zeros(4))
    store.set_optimizer("test")
    for _ in range(count):
        store.push("w", np.ones(4))
        time.sleep(0.05)
    store.barrier()
    time.sleep(3.0)  # whoever was killed last is back
    store.pull("w")
    return store.report()


def test_without_checkpoints_a_death_is_an_error(stores):
    store = stores()
    store.init("w", np.ones(3))
    os.kill(ray.get(store._actors[0].place.remote())[1], signal.SIGKILL)
    with pytest.raises(RuntimeError, match="server: expected its weights, got one that died"):
        store.pull("w")


def test_a_worker_takes_the_place_of_one_that_died(stores, tmp_path):
    store = stores(mode="dist_async", folder=tmp_path)
    first = store.worker(0)
    first.init("w", np.zeros(2))
    first.set_optimizer("test")
    first.push("w", np.ones(2))
    first.pull("w")
    second = store.worker(0)
    second.push("w", np.ones(2))
    assert second.pull("w").tolist() == [2.0, 2.0]
    first.push("w", np.ones(2))
    with pytest.raises(RuntimeError, match="worker 0: expected the latest process"):
        first.pull("w")
    assert second.pull("w").tolist() == [2.0, 2.0]


def test_durable_runs_survive_the_loss_of_a_machine(tmp_path):
    """In a cluster of its own, whose nodes are processes here."""
    script = Path(__file__).with_name("node_loss.py")
    done = subprocess.run(
        [sys.executable, script, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(script.parent)},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    runs = json.loads((tmp_path / "runs.json").read_text())
    assert len(runs) == 5
    for run in runs:
        assert run == {"lost": 0, "equal": True, "back": run["back"]}
