"""With every installed optimizer, workers that push at once are one process on summed gradients."""

import copy
import inspect

import numpy as np
import pytest

import weightopt_core as wo
from weightopt_core.kvstore import placing
from weightopt_core.kvstore.client import Client
from weightopt_core.kvstore.given import summed
from weightopt_core.kvstore.server import Server
from weightopt_core.kvstore.specification import specified
from weightopt_core.testing.network import Network
from weightopt_core.testing.subject import Subject

WORKERS, SERVERS, ROUNDS = 4, 3, 3
SHAPES = {"a_weight": (4, 6), 1: (3, 4), 2: (2, 2), "b_weight": (5, 3)}
CLASSES = {
    find.__name__: find for find in map(wo.optimizer.registry.find, wo.optimizer.registry.names())
}

LAYOUTS = {
    "SGD": placing.SLICES,
    "DCASGD": placing.SLICES,
    "Adam": placing.SLICES,
    "LAMB": placing.KEYS,
    "LARS": placing.KEYS,
    "SGLD": placing.KEYS,
    "Adafactor": placing.KEYS,
    "Muon": placing.KEYS,
    "Prodigy": placing.WHOLE,
    "SkipNonfinite": placing.WHOLE,
    "Lookahead": placing.SLICES,
    "EMA": placing.SLICES,
    "Accumulate": placing.SLICES,
    "MixedOptimizer": placing.SLICES,
}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Cut keys of 12 elements and more into slices."""
    monkeypatch.setattr(placing, "LARGE", 12)


def made(cls, **given):
    return Subject(cls).create(**given)


def gradients(rank, number, dtype):
    rng = np.random.default_rng(100 * number + rank)
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES.values()]


def trained(make, dtype, workers=WORKERS, servers=SERVERS):
    """Return weights of workers that push to servers, and the optimizer that was set."""
    keys = list(SHAPES)
    first = [np.full(shape, 0.5, dtype) for shape in SHAPES.values()]
    optimizers = [make() for _ in range(workers)]

    def work(rank):
        def run(line):
            store = Client(line, rank, workers)
            store.init(keys, first)
            store.set_optimizer(optimizers[rank])
            for number in range(ROUNDS):
                store.push(keys, gradients(rank, number, dtype))
            return store.pull(keys)

        return run

    network = Network(lambda *given: Server(workers, "dist_sync", given[1]), servers, seed=1)
    found = network.run([work(rank) for rank in range(workers)])
    for weights in found[1:]:
        assert all((one == other).all() for one, other in zip(weights, found[0]))
    return found[0], optimizers[0]


def by_one_process(optimizer, dtype):
    updater = wo.optimizer.get_updater(optimizer)
    weights = [np.full(shape, 0.5, dtype) for shape in SHAPES.values()]
    for number in range(ROUNDS):
        pushed = [gradients(rank, number, dtype) for rank in range(WORKERS)]
        updater(list(SHAPES), [summed(list(each)) for each in zip(*pushed)], weights)
    return weights


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("name", CLASSES)
def test_four_workers_are_one_process_on_summed_gradients(name, dtype):
    given = {"multi_precision": True} if dtype == "float16" else {}
    found, optimizer = trained(lambda: made(CLASSES[name], **given), dtype)
    expected = by_one_process(copy.copy(optimizer), dtype)
    for one, other in zip(found, expected):
        assert np.isfinite(one).all()
        assert (one == other).all()


@pytest.mark.parametrize(
    "given", [{"state_dtype": "bfloat16"}, {"state_dtype": "int8"}, {"lr_scheduler": "factor"}]
)
def test_so_are_stochastic_rounding_and_schedules(given):
    if "lr_scheduler" in given:
        given = {"lr_scheduler": wo.lr_scheduler.create("factor", step=1, factor=0.5)}
    found, optimizer = trained(lambda: wo.optimizer.create("adam", **given), "float32")
    expected = by_one_process(copy.copy(optimizer), "float32")
    assert all((one == other).all() for one, other in zip(found, expected))


@pytest.mark.parametrize("name", LAYOUTS)
def test_how_far_keys_are_taken_apart(name):
    optimizer = made(CLASSES[name])
    assert placing.layout_of(optimizer) == LAYOUTS[name]
    if LAYOUTS[name] == placing.SLICES and not optimizer.inner:
        guarded = made(CLASSES[name], on_nonfinite="skip")
        assert placing.layout_of(guarded) == placing.WHOLE
        rounded = made(CLASSES[name], state_dtype="bfloat16")
        assert placing.layout_of(rounded) == placing.KEYS


def test_parts_cover_a_key_once():
    for size in (0, 1, 11, 12, 13, 1000):
        for servers in (1, 2, 7):
            for layout in placing.LAYOUTS:
                found = placing.parts("key", size, layout, servers)
                assert [part.begin for part in found] == [0, *[part.end for part in found[:-1]]]
                assert found[-1].end == size
                assert len(found) == 1 or (size >= 12 and layout == placing.SLICES)
                assert all(0 <= part.server < servers for part in found)
    assert [placing.parts(key, 1, placing.KEYS, 7)[0].server for key in range(3)] == [0, 5, 3]


def test_specifications_hold_plain_data_alone():
    for cls in CLASSES.values():
        plain = specified(made(cls))
        assert isinstance(plain.text, str)
        assert plain.package.startswith("weightopt-")
        assert inspect.isclass(type(plain.create()))
        assert type(plain.create()) is cls
