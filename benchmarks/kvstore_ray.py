"""A key-value store on Ray against actors of Ray that only add.

``.venv-ray/bin/python -m benchmarks.kvstore_ray``, after ``make test-ray``, lets 2 workers push 16
MB at a time to 2 servers, with and without a pull after each push. SGD with momentum updates the
weights at each push. In turns with that, the same workers send the same arrays to 2 actors that add
them to their own. What is printed are rates, and ratios within a round.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
import ray
import weightopt_ray

import weightopt_core as wo

WORKERS = SERVERS = 2
SIZE = 4_000_000  # float32
KEY = "weight"


class Adder:
    """What no store can be faster than."""

    def __init__(self, size: int):
        self.total = np.zeros(size, np.float32)

    def add(self, array: np.ndarray) -> None:
        """Add an array."""
        self.total += array

    def get(self) -> np.ndarray:
        """Return the sum."""
        return self.total


@ray.remote(num_cpus=0)
class Worker:
    """Pushes to a store, or to adders."""

    def __init__(self, store: Any, adders: Any, rank: int):
        self.store, self.adders = store.worker(rank), adders
        self.grad = np.full(SIZE, 1e-3, np.float32)
        self.parts = np.split(self.grad, SERVERS)

    def to_store(self, count: int, pulls: bool) -> None:
        """Push, and return when all is taken."""
        for _ in range(count):
            self.store.push(KEY, self.grad)
            if pulls:
                self.store.pull(KEY)
        self.store.report()

    def to_adders(self, count: int, pulls: bool) -> None:
        """Send the same to actors that add, as many at a time as the store has under way."""
        sent: list[Any] = []
        for _ in range(count):
            parts = [ray.put(part) for part in self.parts]
            sent += [adder.add.remote(part) for adder, part in zip(self.adders, parts)]
            if pulls:
                np.concatenate(ray.get([adder.get.remote() for adder in self.adders]))
            ray.get(sent[: -8 * SERVERS])
            sent = sent[-8 * SERVERS :]
        ray.get(sent)


def seconds(workers: list[Any], way: str, count: int, pulls: bool) -> float:
    """Return how long it takes all workers to push so often."""
    begin = time.perf_counter()
    ray.get([getattr(worker, way).remote(count, pulls) for worker in workers])
    return time.perf_counter() - begin


def main() -> None:
    """Print rates and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pushes", type=int, default=30)
    given = parser.parse_args()
    weightopt_ray.start(memory=1 << 30, log_to_driver=False)
    store = wo.kvstore.create("ray", mode="dist_async", num_servers=SERVERS, num_workers=WORKERS)
    store.init(KEY, np.zeros(SIZE, np.float32))
    store.set_optimizer(wo.optimizer.create("sgd", learning_rate=1e-3, momentum=0.9))
    adding = ray.remote(Adder).options(num_cpus=0)
    adders = [adding.remote(SIZE // SERVERS) for _ in range(SERVERS)]
    workers = [Worker.remote(store, adders, rank) for rank in range(WORKERS)]
    for pulls in (False, True):
        times: dict[str, list[float]] = {"to_store": [], "to_adders": []}
        for way in times:
            seconds(workers, way, 3, pulls)
        for _ in range(given.rounds):
            for way, own in times.items():
                own.append(seconds(workers, way, given.pushes, pulls))
        all_of_them = WORKERS * given.pushes
        rates = {way: all_of_them / statistics.median(own) for way, own in times.items()}
        ratios = [bare / own for own, bare in zip(times["to_store"], times["to_adders"])]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(
            f"{'push and pull' if pulls else 'push':14} store {rates['to_store']:6.1f}/s   "
            f"actors that add {rates['to_adders']:6.1f}/s   "
            f"{middle:.2f} of these (quartiles {low:.2f} to {high:.2f})"
        )


if __name__ == "__main__":
    main()
