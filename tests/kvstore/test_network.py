"""Seeded runs of workers and servers over a network that loses, repeats, delays and kills."""

import random

import numpy as np
import pytest
from adding import Adding

import weightopt_core as wo
from weightopt_core.kvstore.client import Client
from weightopt_core.kvstore.server import Server
from weightopt_core.testing.network import Faults, Network

#: Seeds that are run by default, and where that is asked for, of each of two tests.
FEW, ALL = 50, 5000
SEEDS = pytest.mark.parametrize(
    "seeds", [range(FEW), pytest.param(range(FEW, ALL), marks=pytest.mark.soak)], ids=["few", "all"]
)
#: When servers have ceased to die, in simulated seconds, and those that did are back.
CALM = 0.2


@pytest.fixture(autouse=True)
def registered(isolated):
    wo.optimizer.register(Adding)


class Run:
    """A run that follows from a seed: workers push what can be told apart, and pull now and then.

    Every push of every worker has an element for itself in the weight of its key, which so says how
    often that push was applied.
    """

    def __init__(self, seed, folder, durable, faulty=True):
        chance = random.Random(seed)
        self.mode = chance.choice(["dist_sync", "dist_async"])
        self.workers, self.servers = chance.randint(1, 3), chance.randint(1, 3)
        self.pushes, self.keys = chance.randint(1, 8), chance.randint(1, 3)
        self.window = chance.randint(1, 4)
        self.checkpoint_every = chance.randint(1, 12)
        self.pulls = chance.choice([0.0, 0.5, 1.0])
        self.seed, self.folder, self.durable = seed, folder, durable
        faults = Faults(
            lost=chance.choice([0.0, 0.05, 0.2]),
            repeated=chance.choice([0.0, 0.2]),
            late=chance.choice([0.0, 0.2]),
            kills=chance.choice([0.0, 20.0, 100.0]),
        )
        self.network = Network(self.make, self.servers, seed, faults if faulty else Faults())

    def make(self, number, incarnation, begins):
        path = str(self.folder / f"{self.seed}-{self.durable}-{number}")
        return Server(
            self.workers, self.mode, incarnation, path, self.checkpoint_every, begins=begins
        )

    def work(self, rank):
        def run(line):
            chance = random.Random(self.seed * 1000 + rank)
            store = Client(
                line,
                rank,
                self.workers,
                self.durable,
                window=self.window,
                patience=0.02,
                timeout=9.0,
            )
            keys = list(range(self.keys))
            size = self.workers * self.pushes
            store.init(keys, [np.zeros(size) for _ in keys])
            store.set_optimizer(Adding(learning_rate=1.0))
            store.barrier()
            for number in range(self.pushes):
                grad = np.zeros(size)
                grad[rank * self.pushes + number] = 1.0
                store.push(keys, [grad for _ in keys])
                if chance.random() < self.pulls:
                    store.pull(keys)
            store.barrier()
            while line.now() < CALM:  # what dies later is no more in the report
                line.receive(CALM - line.now())
            weights, report = store.pull(keys), store.report()
            return weights, report, {s: link.lost for s, link in store._talk.links.items()}

        return run

    def result(self):
        """Return the weights at the end, and what each worker has found out."""
        ends = self.network.run([self.work(rank) for rank in range(self.workers)])
        weights = [max(each, key=lambda w: w.sum()) for each in zip(*(end[0] for end in ends))]
        return weights, ends


@SEEDS
def test_durable_runs_lose_nothing_and_apply_nothing_twice(tmp_path, seeds):
    deaths = 0
    for seed in seeds:
        run = Run(seed, tmp_path, durable=True)
        weights, ends = run.result()
        deaths += run.network.deaths
        for weight in weights:
            assert weight.tolist() == [1.0] * weight.size, seed
        assert all(end[1].lost == 0 for end in ends), seed
    assert deaths > len(seeds) / 4


@SEEDS
def test_what_is_lost_by_default_is_what_is_reported(tmp_path, seeds):
    losses = 0
    for seed in seeds:
        run = Run(seed, tmp_path, durable=False)
        weights, ends = run.result()
        final = [run.network.servers[s].shard.weights for s in range(run.servers)]
        weights = {key: weight for shard in final for key, weight in shard.items()}
        for rank, (_, report, lost) in enumerate(ends):
            suffered = 0
            for server, shard in enumerate(final):
                if not shard:
                    continue
                for key in shard:
                    own = weights[key][rank * run.pushes : (rank + 1) * run.pushes]
                    assert set(own) <= {0.0, 1.0}, (seed, rank, server)
                    missing = {i + 1 for i, times in enumerate(own) if times == 0.0}
                    assert missing == lost[server], (seed, rank, server)
                suffered += len(lost[server])
            assert report.lost == suffered, seed
            losses += suffered
    assert losses > 0
