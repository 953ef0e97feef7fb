"""Stores on Ray, with real processes."""

import contextlib
import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import ray
from ray_jobs import alone, small, start

import weightopt_core as wo
from weightopt_core.kvstore import placing

pytestmark = pytest.mark.xdist_group("ray")


def test_one_worker(stores):
    store = stores(num_servers=2)
    assert (store.rank, store.num_workers) == (0, 1)
    store.init(["a", "b"], [np.ones(3), np.zeros(2)])
    store.set_optimizer(wo.optimizer.create("sgd", learning_rate=0.5))
    store.push(["a", "b"], [np.ones(3), np.ones(2)])
    assert [w.tolist() for w in store.pull(["a", "b"])] == [[0.5] * 3, [-0.5] * 2]
    assert store.report().lost == 0


@pytest.mark.parametrize(
    "name", ["sgd", *(pytest.param(name, marks=pytest.mark.slow) for name in ("lamb", "muon"))]
)
def test_four_workers_are_one_process_on_summed_gradients(stores, name):
    store = stores(num_servers=2, num_workers=4)
    optimizer = wo.optimizer.create(name).dumps()
    expected = alone(small(), optimizer, 3, 4)
    for found, report in ray.get(start(store, small(), optimizer, 3)):
        assert all((one == other).all() for one, other in zip(found, expected))
        assert report.lost == 0


def test_late_gradients_are_counted(stores):
    store = stores(mode="dist_async", num_workers=2)
    reports = [report for _, report in ray.get(start(store, small(), "sgd", 5))]
    staleness = max((report.staleness for report in reports), key=lambda one: sum(one.values()))
    assert sum(staleness.values()) == 2 * 5 * 2
    assert min(staleness) >= 0


@pytest.mark.slow
def test_large_keys_are_cut_unless_the_optimizer_needs_them_whole(stores):
    store = stores(num_servers=2)
    size = placing.LARGE + 1
    store.init("large", np.ones(size, np.float32))
    assert [len(part) for part in parts(store)] == [size // 2, size - size // 2]
    store.set_optimizer(wo.optimizer.create("lamb"))
    assert [len(part) for part in parts(store)] == [size]
    store.push("large", np.ones(size, np.float32))
    weight, updater = np.ones(size, np.float32), wo.optimizer.get_updater(wo.optimizer.LAMB())
    updater("large", np.ones(size, np.float32), weight)
    assert (store.pull("large") == weight).all()


def parts(store):
    """Return what each server has."""
    from weightopt_core.kvstore.conversation import Ask

    asked = {server: Ask("forms") for server in range(store._transport.num_servers)}
    replies = store._talk.ask(asked, "test")
    keys = {s: [key for key, *_ in reply.content[1]] for s, reply in replies.items()}
    layout = replies[0].content[0]
    pulled = store._talk.ask({s: Ask("pull", (k, layout)) for s, k in keys.items() if k}, "test")
    return [reply.payload.view(np.float32) for _, reply in sorted(pulled.items())]


@pytest.mark.slow
def test_what_is_saved_goes_on_in_another_store(stores, tmp_path):
    one, other = stores(num_servers=2), stores(num_servers=2)
    one.init(["a", 1], [np.ones(3), np.zeros(2)])
    one.set_optimizer(wo.optimizer.create("adam"))
    one.push(["a", 1], [np.ones(3), np.ones(2)])
    one.save(tmp_path / "store")
    other.load(tmp_path / "store")
    for store in (one, other):
        store.push(["a", 1], [np.full(3, 2.0), np.ones(2)])
    for weight, same in zip(one.pull(["a", 1]), other.pull(["a", 1])):
        assert (weight == same).all()
    with pytest.raises(ValueError, match=r"a file from KVStore\.save of 1 server"):
        stores(num_servers=1).load(tmp_path / "store")


def test_an_optimizer_that_is_not_installed_there_names_server_and_package(stores):
    store = stores()
    store.init(0, np.ones(2))
    with pytest.raises(ValueError, match=r"server 0: on .*, process \d+: .*'sgdd'; did you mean"):
        store.set_optimizer("sgdd")


@pytest.mark.slow
def test_a_job_goes_on_from_its_checkpoints_or_says_why_not(stores, tmp_path):
    given = {"folder": tmp_path, "job": "mine"}
    for number in range(1, 3):
        store = stores(**given)
        store.init("w", np.zeros(2))
        store.set_optimizer("test")
        store.push("w", np.ones(2))
        store.barrier()
        assert store.pull("w").tolist() == [float(number)] * 2
        store.close()
    with pytest.raises(ValueError, match="it cannot begin: num_workers: expected 1, as in the"):
        stores(num_workers=2, **given).pull("w")
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=r"it cannot begin: .*mine-0-of-1"):
        stores(**given).pull("w")


TIGER = """
import weightopt_core as wo

@wo.update_rule
def tiger(weight, grad, *, lr):
    return weight - 2 * lr * grad

class Tiger(wo.Optimizer):
    rule = tiger
"""


@pytest.mark.slow
def test_a_strangers_optimizer_works_where_it_is_installed_on_the_servers(stores, tmp_path):
    """It is not installed here, and nothing of it is sent but its name."""
    (tmp_path / "somebodys_tiger.py").write_text(TIGER)
    info = tmp_path / "somebodys_tiger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somebodys-tiger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[weightopt.optimizers]\ntiger = somebodys_tiger:Tiger\n"
    )
    text = '["tiger", {"learning_rate": 0.5}]'
    without = stores()
    without.init(0, np.ones(2))
    with pytest.raises(
        ValueError, match=r"server 0: on .*, process \d+: unknown optimizer 'tiger'"
    ):
        without.set_optimizer(text)
    path = os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])
    store = stores(options={"runtime_env": {"env_vars": {"PYTHONPATH": path}}})
    store.init(0, np.ones(2))
    store.set_optimizer(text)
    store.push(0, np.full(2, 0.25))
    assert store.pull(0).tolist() == [0.75, 0.75]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mode": "sync"}, "mode: expected 'dist_sync' or 'dist_async', got 'sync'"),
        ({"backup": "all"}, "backup: expected 'key' or 'worker', got 'all'"),
        ({"backup": "worker"}, "backup: expected 'key' with 'dist_sync', got 'worker'"),
        ({"num_servers": 0}, "num_servers: expected an integer of at least 1, got 0"),
        ({"num_workers": True}, "num_workers: expected an integer of at least 1, got True"),
        ({"rank": 1}, r"rank: expected an integer in \[0, 1\), got 1"),
        ({"durable": True}, "folder: expected one for checkpoints, with durable=True, got None"),
    ],
)
def test_what_is_refused(cluster, given, message):
    with pytest.raises(ValueError, match=message):
        wo.kvstore.create("ray", **given)


def test_a_barrier_without_a_worker_is_an_error_in_time(stores):
    store = stores(num_workers=2)
    store.init(0, np.ones(1))  # the server is there
    store = store.worker(0)
    store._talk.timeout = 1.0
    with pytest.raises(TimeoutError, match="barrier: server 0 waits for worker 1, for 1 s"):
        store.barrier()


def test_who_only_looks_on_does_not_push(stores):
    store = stores(num_workers=2)
    assert store.rank is None
    store.init(0, np.ones(2))
    assert store.pull(0).tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="rank: expected a number, got None"):
        store.push(0, np.ones(2))
    with pytest.raises(ValueError, match="rank: expected a number, got None"):
        store.barrier()


def test_only_plain_data_is_sent(stores, monkeypatch):
    """Whatever goes to servers is made of the standard library's types and of NumPy's."""
    store = stores(num_servers=2)
    sent = []
    send = store._transport.send
    monkeypatch.setattr(store._transport, "send", lambda *given: sent.append(given) or send(*given))
    store.init(["a_weight"], [np.ones(3)])
    store.set_optimizer(wo.optimizer.create("sgd", momentum=0.9))
    store.push("a_weight", np.ones(3))
    store.pull("a_weight")
    for _, request, *_ in sent:
        known = b"weightopt_core.kvstore.specification\x94\x8c\rSpecification"
        data = pickle.dumps(tuple(request), 4).replace(known, b"")
        assert b"weightopt" not in data.replace(b"weightopt-sgd", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_ray_is_for_this_machine_and_for_whoever_has_the_token(stores):
    from ray._private.authentication.authentication_utils import is_token_auth_enabled

    store = stores()
    store.init(0, np.ones(1))  # so that there are processes
    assert is_token_auth_enabled()
    addresses = listening(processes_below(os.getpid()))
    assert len(addresses) > 3
    assert set(addresses) <= {"0100007F", "0000000000000000FFFF00000100007F"}


def processes_below(pid):
    """Yield a process, and those that it has started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                yield from processes_below(int(child))


def listening(pids):
    """Return the addresses at which processes listen, as the system writes them."""
    sockets = set()
    for pid in pids:
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                sockets.add(os.readlink(file))
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in sockets:
                found.append(words[1].split(":")[0])
    return found
