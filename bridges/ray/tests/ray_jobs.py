"""Workers that push and pull for some rounds, and the same by one process."""

import time

import numpy as np
import ray

import weightopt_core as wo


def gradients(rank, number, weights):
    rng = np.random.default_rng(100 * number + rank)
    return [rng.normal(size=w.shape).astype(w.dtype) for w in weights.values()]


@ray.remote(num_cpus=0)
def rounds(store, rank, weights, optimizer, count, pause=0.0):
    """Push and pull for some rounds, and return the weights and the report."""
    store = store.worker(rank)
    keys = list(weights)
    store.init(keys, list(weights.values()))
    store.set_optimizer(optimizer)
    for number in range(count):
        store.push(keys, gradients(rank, number, weights))
        store.pull(keys)
        time.sleep(pause)
    store.barrier()
    return store.pull(keys), store.report()


def start(store, weights, optimizer, count, pause=0.0):
    """Let all workers of a store begin; `ray.get` returns what they return."""
    given = weights, optimizer, count, pause
    return [rounds.remote(store, rank, *given) for rank in range(store.num_workers)]


def alone(weights, optimizer, count, workers):
    """Return the weights of one process that sums the gradients."""
    updater = wo.optimizer.get_updater(wo.optimizer.create(optimizer))
    arrays = [array.copy() for array in weights.values()]
    for number in range(count):
        pushed = [gradients(rank, number, weights) for rank in range(workers)]
        updater(list(weights), [sum(each[1:], each[0]) for each in zip(*pushed)], arrays)
    return arrays


def small():
    return {"a_weight": np.ones((30, 20), np.float32), "b_weight": np.ones((7, 3), np.float32)}
