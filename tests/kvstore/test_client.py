"""Workers and servers in one process, over a network that loses nothing unless it says so."""

import numpy as np
import pytest
from adding import Adding

import weightopt_core as wo
from weightopt_core.kvstore import placing
from weightopt_core.kvstore.client import Client
from weightopt_core.kvstore.messages import DONE, Request
from weightopt_core.kvstore.server import Server
from weightopt_core.testing.network import Network


@pytest.fixture(autouse=True)
def registered(isolated):
    wo.optimizer.register(Adding)


def run(*works, mode="dist_sync", servers=2, network=None, **given):
    """Let workers run, each with its store, and return what they return."""
    backup = given.pop("backup", "key")

    def make(number, incarnation, begins):
        return Server(len(works), mode, incarnation, backup=backup, begins=begins)

    def with_store(work, rank):
        settings = {"timeout": 5.0, "keeps_pulled": backup == "worker", **given}
        return lambda line: work(Client(line, rank, len(works), **settings))

    network = network or Network(make, servers, seed=0)
    return network.run([with_store(work, rank) for rank, work in enumerate(works)])


def began(store, keys=("a", "b"), size=3):
    """Return a store that both workers have begun with."""
    store.init(list(keys), [np.zeros(size) for _ in keys])
    store.set_optimizer(Adding(learning_rate=1.0))
    store.barrier()
    return store


def test_rank_and_workers():
    assert run(*[lambda store: (store.rank, store.num_workers)] * 2) == [(0, 2), (1, 2)]


def test_a_pull_has_what_was_pushed_before():
    def work(store):
        began(store).push("a", np.ones(3))
        store.push("a", np.ones(3))
        return store.pull("a").tolist()

    assert run(work, work) == [[4.0] * 3] * 2


def test_first_weights_are_those_of_worker_0():
    def work(store):
        store.init("a", np.full(2, 5.0 + store.rank))
        return store.pull("a").tolist()

    assert run(work, work) == [[5.0, 5.0]] * 2


@pytest.mark.parametrize("value", [np.zeros(4), np.zeros(3, np.float32), np.zeros((3, 1))])
def test_another_worker_with_another_shape_or_dtype_is_refused(value):
    def other(store):
        store.init("a", value)

    with pytest.raises(ValueError, match=r"value of 'a': expected float64\[3\], got"):
        run(lambda store: store.init("a", np.zeros(3)), other)


def test_gradients_of_another_shape_or_dtype_are_refused_before_they_are_sent():
    def work(store):
        began(store)
        for value in (np.ones(4), np.ones(3, np.float32)):
            with pytest.raises((TypeError, ValueError), match="gradient of 'a'"):
                store.push("a", value)
        return store.report().pushes

    assert run(work) == [0]


def test_before_init_and_a_second_time():
    def work(store):
        with pytest.raises(ValueError, match=r"key: expected one that init\(\) was called with"):
            store.pull("a")
        with pytest.raises(ValueError, match=r"key: expected one that init\(\) was called with"):
            store.push("a", np.ones(3))
        began(store)
        with pytest.raises(ValueError, match=r"server \d: key: expected one that is not init"):
            store.init(["c", "a"], [np.zeros(3)] * 2)
        with pytest.raises(ValueError, match="was called with, got 'c'"):
            store.pull("c")

    run(work)


def test_who_was_never_told_of_keys_may_pull_them():
    def make(number, incarnation, begins):
        return Server(1, "dist_async", incarnation)

    network = Network(make, 2, seed=0)

    def pushes(line):
        store = began(Client(line))
        store.push("a", np.ones(3))
        store.barrier()

    network.run([pushes])
    (found,) = network.run([lambda line: Client(line, rank=None).pull(["b", "a"])])
    assert [weight.tolist() for weight in found] == [[0.0] * 3, [1.0] * 3]


def test_rounds_with_other_keys_are_an_error_for_all():
    def work(key):
        def run(store):
            began(store).push(key, np.ones(3))
            with pytest.raises(ValueError, match="keys of worker 1 in round 1: expected those of"):
                store.pull(key)
            store.push("a", np.ones(3))
            return store.pull("a").tolist()

        return run

    assert run(work("a"), work("b"), servers=1) == [[2.0] * 3] * 2


@pytest.mark.parametrize("mode", ["dist_sync", "dist_async"])
def test_an_update_that_fails_is_told_by_the_next_call(mode):
    def work(store):
        began(store)
        store.set_optimizer(wo.optimizer.create("sgd", on_nonfinite="raise"))
        store.barrier()
        store.push("a", np.full(3, np.nan))
        with pytest.raises(FloatingPointError, match=r"push 1 to server 0: grad of 'a'"):
            store.pull("a")
        store.push("a", np.zeros(3))
        return store.pull("a").tolist()

    assert run(work, mode=mode) == [[0.0] * 3]


def test_the_worker_that_is_missing_is_named():
    def waits(store):
        began(store).push("a", np.ones(3))
        with pytest.raises(TimeoutError, match=r"pull: server \d waits for worker 1, for 5 s"):
            store.pull("a")
        with pytest.raises(TimeoutError, match="barrier: server 0 waits for worker 1, for 5 s"):
            store.barrier()

    run(waits, began)


def test_a_server_that_does_not_answer_is_named():
    network = Network(lambda *given: Server(1, "dist_async", given[1]), 1, seed=0)
    network.servers[0] = None

    def work(store):
        with pytest.raises(TimeoutError, match="no answer from server 0, for 5 s"):
            store.init("a", np.zeros(1))

    run(work, network=network)


def test_a_server_without_a_checkpoint_says_so_after_its_death():
    def make(number, incarnation, begins):
        return Server(1, "dist_async", incarnation, begins=begins)

    network = Network(make, 1, seed=0)

    def work(store):
        began(store)
        network.kill(0)
        for call in (lambda: store.pull("a"), lambda: store.push("a", np.ones(3)), store.barrier):
            with pytest.raises(RuntimeError, match="one that died without a checkpoint"):
                [call(), store.pull("a")]

    run(work, network=network, patience=0.05)


def test_keys_move_where_an_optimizer_needs_them_whole(monkeypatch):
    monkeypatch.setattr(placing, "LARGE", 4)
    first = np.arange(1.0, 7.0).reshape(2, 3)

    def work(store):
        store.init(["w", 1], [first, np.zeros(2)])
        assert store._directory.known_layout() == placing.SLICES
        store.set_optimizer(wo.optimizer.create("lamb"))
        assert store._directory.known_layout() == placing.KEYS
        store.push(["w", 1], [np.ones((2, 3)), np.ones(2)])
        return store.pull(["w", 1])

    weights, updater = [first.copy(), np.zeros(2)], wo.optimizer.get_updater(wo.optimizer.LAMB())
    updater(["w", 1], [np.full((2, 3), 2.0), np.full(2, 2.0)], weights)
    for found in run(work, work):
        assert all((one == other).all() for one, other in zip(found, weights))


def test_an_optimizer_may_be_set_before_there_are_weights(monkeypatch):
    monkeypatch.setattr(placing, "LARGE", 2)

    def work(store):
        store.set_optimizer(wo.optimizer.create("lamb"))
        store.init(["w", "empty", "number"], [np.ones(4), np.ones((0, 3)), np.ones(())])
        store.push(["w", "empty", "number"], [np.ones(4), np.ones((0, 3)), np.ones(())])
        return store.pull(["w", "empty", "number"])

    for found in run(work, work):
        assert [weight.shape for weight in found] == [(4,), (0, 3), ()]
        assert found[0].max() < 1


def test_a_push_that_did_not_know_of_the_move_is_refused(monkeypatch):
    monkeypatch.setattr(placing, "LARGE", 2)

    def sets(store):
        began(store)
        store.set_optimizer(wo.optimizer.create("lamb"))
        store.barrier()

    def pushes(store):
        began(store)
        store.barrier()
        store._directory.layout = placing.SLICES
        store.push("a", np.ones(3))
        with pytest.raises(RuntimeError, match="keys in: expected keys, got slices; call set_opt"):
            store.pull("a")

    run(sets, pushes, mode="dist_async")


def test_a_change_that_comes_late_is_not_made_any_more():
    server = Server(1, "dist_async", "1")

    def change(name, number):
        request = Request("optimizer", 0, ((name, "", None), ("me", number)))
        assert server.handle(request).kind == DONE
        return server.shard.specification.text

    assert [change("test", 1), change("sgd", 2), change("test", 1)] == ["test", "sgd", "sgd"]


def test_staleness_is_counted():
    def work(store):
        began(store)
        if store.rank == 0:
            store.pull(["a", "b"])
            store.barrier()  # the other one pushes twice meanwhile
            store.barrier()
            store.push(["a", "b"], [np.ones(3)] * 2)
            store.push("a", np.ones(3))
        else:
            store.barrier()
            for _ in range(2):
                store.push(["a", "b"], [np.ones(3)] * 2)
            store.barrier()
        store.barrier()
        return store.report().staleness

    assert run(work, work, mode="dist_async", servers=1) == [{0: 2, 1: 2, 2: 2, 3: 1}] * 2


@pytest.mark.parametrize("backup", ["key", "worker"])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("state_dtype", [None, "int8"])  # which represents one element exactly
def test_late_gradients_are_compensated_from_the_weights_that_were_pulled(
    backup, momentum, state_dtype
):
    lr, lamda = 0.25, 2.0

    def work(store):
        store.init("w", np.ones(1, np.float32))
        given = {"learning_rate": lr, "lamda": lamda, "momentum": momentum}
        given["state_dtype"] = state_dtype
        store.set_optimizer(wo.optimizer.create("dcasgd", **given))
        store.barrier()
        store.pull("w")
        store.barrier()
        for turn in range(4):
            if store.rank == turn % 2:
                if turn == 2:
                    store.pull("w")
                store.push("w", np.full(1, 0.5, np.float32))
            store.barrier()
        return store.pull("w").item()

    weight, mom, last, pulled = 1.0, 0.0, 1.0, [1.0, 1.0]
    for turn in range(4):
        if turn == 2:
            pulled[0] = weight
        then = pulled[turn % 2] if backup == "worker" else last
        grad = 0.5 + lamda * 0.25 * (weight - then)
        mom = momentum * mom - lr * grad
        last, weight = weight, weight + mom
    assert run(work, work, mode="dist_async", servers=1, backup=backup) == [weight] * 2


def test_a_backup_for_each_worker_needs_an_optimizer_that_has_one():
    def work(store):
        store.init("w", np.ones(1))
        with pytest.raises(ValueError, match="optimizer: expected one that keeps the weight"):
            store.set_optimizer(wo.optimizer.create("sgd"))

    run(work, mode="dist_async", backup="worker")


def test_a_strangers_optimizer_that_is_not_there_names_its_package(monkeypatch):
    def work(store):
        store.init("w", np.ones(1))
        optimizer = wo.optimizer.create("sgd")
        monkeypatch.setattr(optimizer, "dumps", lambda: '["tiger", {}]', raising=False)
        expected = r"server \d: unknown optimizer 'tiger'.*; pip install weightopt-sgd==0.1.0"
        with pytest.raises(ValueError, match=expected):
            store.set_optimizer(optimizer)
        store.set_optimizer("sgd")
        return store.pull("w").tolist()

    assert run(work) == [[1.0]]


def test_what_is_saved_goes_on_in_another_store(tmp_path):
    def saves(store):
        began(store)
        store.set_optimizer(wo.optimizer.create("adam", learning_rate=0.5))
        store.push(["a", "b"], [np.ones(3), np.full(3, 2.0)])
        store.save(tmp_path / "store")
        return goes_on(store)

    def goes_on(store):
        store.push(["a", "b"], [np.full(3, -1.0), np.ones(3)])
        return [weight.tolist() for weight in store.pull(["a", "b"])]

    def loads(store):
        store.load(tmp_path / "store")
        return goes_on(store)

    assert run(saves) == run(loads)
    with pytest.raises(ValueError, match=r"a file from KVStore\.save of 3 servers"):
        run(loads, servers=3)


def test_a_job_goes_on_from_the_checkpoints_of_an_earlier_one(tmp_path):
    def make(number, incarnation, begins):
        path = str(tmp_path / str(number))
        return Server(1, "dist_sync", incarnation, path, begins=begins)

    def work(store):
        began(store).push("a", np.ones(3))
        store.barrier()
        with pytest.raises(ValueError, match="not initialized yet, got 'a', which is there"):
            store.init("a", np.zeros(3))
        return store.pull("a").tolist()

    found = [run(work, network=Network(make, 2, seed=0), durable=True) for _ in range(3)]
    assert found == [[[float(number)] * 3] for number in (1, 2, 3)]
    with pytest.raises(ValueError, match="num_workers: expected 1, as in the checkpoint"):
        Server(2, "dist_sync", "x", str(tmp_path / "0"))


def test_the_window_bounds_what_is_kept():
    def work(store):
        began(store)
        kept = []
        for _ in range(20):
            store.push("a", np.ones(3))
            kept.append(max(len(link.kept) for link in store._talk.links.values()))
        return max(kept), store.pull("a").tolist()

    assert run(work, window=3) == [(3, [20.0] * 3)]
    ((most, _),) = run(work, window=8, window_bytes=60)
    assert most == 2


def test_a_later_process_takes_the_place_of_a_worker():
    def make(number, incarnation, begins):
        return Server(1, "dist_async", incarnation)

    network = Network(make, 1, seed=0)

    def work(line):
        first, second = Client(line), Client(line)
        began(first).push("a", np.ones(3))
        first.pull("a")
        second.push("a", np.ones(3))
        assert second.pull("a").tolist() == [2.0] * 3
        first.push("a", np.ones(3))
        with pytest.raises(RuntimeError, match="worker 0: expected the latest process"):
            first.pull("a")
        return second.pull("a").tolist(), second.report().pushes

    assert network.run([work]) == [([2.0] * 3, 1)]
