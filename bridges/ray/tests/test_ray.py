"""Stores on Ray, with real processes."""

import numpy as np
import pytest
import ray

import weightopt_core as wo

pytestmark = pytest.mark.xdist_group("ray")


@ray.remote(num_cpus=0)
def rounds(store, rank, weights, optimizer, count):
    """Push and pull for some rounds, and return the weights and the report."""
    store = store.worker(rank)
    keys = list(weights)
    store.init(keys, list(weights.values()))
    store.set_optimizer(optimizer)
    for number in range(count):
        rng = np.random.default_rng(100 * number + rank)
        store.push(keys, [rng.normal(size=w.shape).astype(w.dtype) for w in weights.values()])
        store.pull(keys)
    store.barrier()
    return store.pull(keys), store.report()


def run(store, weights, optimizer, count):
    jobs = [
        rounds.remote(store, rank, weights, optimizer, count) for rank in range(store.num_workers)
    ]
    return ray.get(jobs)


def alone(weights, optimizer, count, workers):
    """Return the weights of one process that sums the gradients."""
    updater = wo.optimizer.get_updater(wo.optimizer.create(optimizer))
    arrays = [array.copy() for array in weights.values()]
    for number in range(count):
        pushed = []
        for rank in range(workers):
            rng = np.random.default_rng(100 * number + rank)
            pushed.append([rng.normal(size=w.shape).astype(w.dtype) for w in weights.values()])
        grads = [sum(each[1:], each[0]) for each in zip(*pushed)]
        updater(list(weights), grads, arrays)
    return arrays


def test_one_worker(stores):
    store = stores(num_servers=2)
    store.init(["a", "b"], [np.ones(3), np.zeros(2)])
    store.set_optimizer(wo.optimizer.create("sgd", learning_rate=0.5))
    store.push(["a", "b"], [np.ones(3), np.ones(2)])
    assert [w.tolist() for w in store.pull(["a", "b"])] == [[0.5] * 3, [-0.5] * 2]
    assert store.report().lost == 0


@pytest.mark.parametrize("name", ["sgd", "adam", "lamb", "muon"])
def test_four_workers_are_one_process_on_summed_gradients(stores, name):
    store = stores(num_servers=2, num_workers=4)
    weights = {"a_weight": np.ones((30, 20), np.float32), "b_weight": np.ones((7, 3), np.float32)}
    optimizer = wo.optimizer.create(name).dumps()
    expected = alone(weights, optimizer, 3, 4)
    for found, report in run(store, weights, optimizer, 3):
        assert all((one == other).all() for one, other in zip(found, expected))
        assert report.lost == 0
