"""The store in this process, and what every store does with keys and values."""

import copy

import numpy as np
import pytest

import weightopt_core as wo
from weightopt_core.kvstore import KVStore


@pytest.fixture
def store():
    store = wo.kvstore.create("local")
    store.init("a", np.zeros((2, 3), np.float32))
    store.init([3, 4], [np.ones(4), np.ones(2)])
    return store


def test_it_is_there_by_its_name():
    assert isinstance(wo.kvstore.create(), KVStore)
    assert type(wo.kvstore.create("LOCAL")).__name__ == "LocalKVStore"
    assert "local" in wo.kvstore.registry.names()


def test_an_unknown_name_says_what_to_install():
    with pytest.raises(ValueError, match="unknown kvstore 'locl'; did you mean 'local'"):
        wo.kvstore.create("locl")
    with pytest.raises(TypeError, match="unexpected keyword argument 'mode'"):
        wo.kvstore.create("local", mode="dist_sync")


def test_rank_and_workers(store):
    assert (store.rank, store.num_workers) == (0, 1)
    store.barrier()


def test_without_an_optimizer_the_sum_replaces_the_weight(store):
    store.push(3, [np.full(4, 2.0), np.full(4, 5.0)])
    assert store.pull(3).tolist() == [7.0] * 4
    store.push(3, np.full(4, 1.5))
    assert store.pull(3).tolist() == [1.5] * 4


def test_lists_of_keys(store):
    store.push([4, 3], [[np.ones(2), np.ones(2)], np.zeros(4)])
    found = store.pull([3, 4])
    assert [weight.tolist() for weight in found] == [[0.0] * 4, [2.0] * 2]
    assert store.pull([3])[0].tolist() == [0.0] * 4


def test_a_key_that_is_there_twice_is_summed_in_a_push(store):
    store.push([4, 4], [np.ones(2), np.full(2, 2.0)])
    assert store.pull([4, 4])[1].tolist() == [3.0, 3.0]


def test_out_is_filled(store):
    one, other = np.empty(2), np.empty(2)
    assert store.pull(4, out=[one, other]) is None
    assert one.tolist() == other.tolist() == [1.0, 1.0]
    a = np.empty((2, 3), np.float32)
    store.pull(["a", 4], out=[a, [one, other]])
    assert not a.any()


def test_pushpull(store):
    value, out = np.full(2, 3.0), np.empty(2)
    assert store.pushpull(4, value).tolist() == [3.0, 3.0]
    assert store.pushpull(4, [value, value], out=out) is None
    assert out.tolist() == [6.0, 6.0]
    assert value.tolist() == [3.0, 3.0]


def test_what_is_pulled_is_the_callers(store):
    store.pull(3)[:] = 9.0
    assert store.pull(3).tolist() == [1.0] * 4


def test_first_weights_are_copied_and_may_be_read_only():
    store, weight = wo.kvstore.create(), np.ones(3)
    weight.flags.writeable = False
    store.init(0, weight)
    store.set_optimizer(wo.optimizer.create("sgd", learning_rate=1.0))
    grad = np.ones(3)
    grad.flags.writeable = False
    store.push(0, grad)
    assert store.pull(0).tolist() == [0.0] * 3
    assert weight.tolist() == [1.0] * 3


def test_empty_lists(store):
    store.init([], [])
    store.push([], [])
    assert store.pull([]) == []
    assert store.pull([], out=[]) is None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s: s.init(3, np.ones(4)), ValueError, "not initialized yet, got 3, which is there"),
        (lambda s: s.init([8, 8], [np.ones(1)] * 2), ValueError, "each key once, got 8 twice"),
        (lambda s: s.init([8, 3], [np.ones(1)] * 2), ValueError, "got 3, which is there"),
        (lambda s: s.init(8, [1.0]), TypeError, "value of 8: expected an array in host memory"),
        (lambda s: s.init(8, np.arange(3)), TypeError, "dtype of value of 8: expected float16"),
        (lambda s: s.init(True, np.ones(1)), TypeError, "key: expected an int or a str, got True"),
        (lambda s: s.init(1.5, np.ones(1)), TypeError, "key: expected an int or a str, got 1.5"),
        (lambda s: s.push(8, np.ones(1)), ValueError, "one that init.. was called with, got 8"),
        (lambda s: s.pull(8), ValueError, "key: expected one that init.. was called with, got 8"),
        (lambda s: s.pull([3, 8]), ValueError, "was called with, got 8"),
        (lambda s: s.push(3, np.ones(5)), ValueError, r"shape of gradient of 3: expected \(4,\)"),
        (lambda s: s.push(3, np.ones(4, np.float32)), TypeError, "of 3: expected float64"),
        (lambda s: s.push(3, []), ValueError, "value of 3: expected at least one gradient"),
        (lambda s: s.push([3, 4], [np.ones(4)]), ValueError, "value: expected a list of 2, one"),
        (lambda s: s.push([3, 4], [np.ones(4), np.ones(3)]), ValueError, "gradient of 4"),
        (lambda s: s.push(3, np.ones((8,))[::2]), ValueError, "a C-contiguous array"),
        (lambda s: s.push(3, np.ones(4), priority="high"), TypeError, "priority: expected an int"),
        (lambda s: s.pull(3, out=np.ones(5)), ValueError, r"shape of out of 3: expected \(4,\)"),
        (lambda s: s.pull(3, out=np.ones(4, np.float32)), TypeError, "dtype of out of 3"),
        (lambda s: s.pushpull(3, np.zeros(4), out=np.ones(5)), ValueError, "shape of out of 3"),
        (lambda s: s.set_optimizer("sdg"), ValueError, "unknown optimizer 'sdg'; did you mean"),
        (lambda s: s.set_optimizer(3), TypeError, "optimizer: expected an Optimizer, a name"),
        (lambda s: s.set_optimizer(wo.optimizer.SGD), TypeError, "call it"),
    ],
)
def test_what_is_refused_changes_nothing(store, call, error, message):
    before = [weight.tolist() for weight in store.pull(["a", 3, 4])]
    with pytest.raises(error, match=message):
        call(store)
    assert [weight.tolist() for weight in store.pull(["a", 3, 4])] == before
    with pytest.raises(ValueError, match="was called with"):
        store.pull(8)


def test_updates_are_those_of_an_updater(rng):
    optimizer = wo.optimizer.create("adam", learning_rate=0.1, wd=0.01)
    optimizer.set_lr_mult({"b": 0.5})
    weights = {"a_weight": rng.normal(size=(3, 4)), "b": rng.normal(size=5)}
    store, updater = wo.kvstore.create(), wo.optimizer.get_updater(copy.copy(optimizer))
    keys = list(weights)
    store.init(keys, list(weights.values()))
    store.set_optimizer(optimizer)
    for _ in range(3):
        grads = [[rng.normal(size=w.shape) for _ in range(2)] for w in weights.values()]
        store.push(keys, grads)
        updater(keys, [one + other for one, other in grads], list(weights.values()))
    for key, weight in weights.items():
        assert (store.pull(key) == weight).all()
    assert optimizer.num_update == 0


def test_halves_are_summed_in_float32(rng):
    store = wo.kvstore.create()
    store.init(0, np.zeros(100, np.float16))
    grads = [rng.normal(size=100).astype(np.float16) for _ in range(5)]
    store.push(0, grads)
    total = np.zeros(100, np.float32)
    for grad in grads:
        total += grad
    assert (store.pull(0) == total.astype(np.float16)).all()


def test_another_rate_keeps_states_and_another_class_does_not(rng):
    def trained(*later):
        store = wo.kvstore.create()
        store.init(0, np.ones(3))
        store.set_optimizer(wo.optimizer.create("sgd", learning_rate=0.1, momentum=0.9))
        for number in range(4):
            if number == 2:
                for optimizer in later:
                    store.set_optimizer(optimizer)
            store.push(0, np.full(3, 0.5))
        return store.pull(0).tolist()

    def by_hand(rate, momentum, states):
        weight, mom = 1.0, 0.0
        for number in range(4):
            if number == 2:
                lr, mu, mom = rate, momentum, mom * states
            else:
                lr, mu = (0.1, 0.9) if number < 2 else (rate, momentum)
            mom = mu * mom - lr * 0.5
            weight += mom
        return [pytest.approx(weight, rel=1e-15)] * 3

    sgd = wo.optimizer.SGD
    same = sgd(learning_rate=0.1, momentum=0.9)
    assert trained() == trained(same) == by_hand(0.1, 0.9, 1)
    assert trained(sgd(learning_rate=0.01, momentum=0.9)) == by_hand(0.01, 0.9, 1)
    assert trained(sgd(learning_rate=0.1, momentum=0.5)) == by_hand(0.1, 0.5, 1)
    assert trained("test", same) == by_hand(0.1, 0.9, 0)
    assert trained(sgd(learning_rate=0.1)) == by_hand(0.1, 0.0, 0)


def test_nonfinite_gradients_are_as_the_optimizer_says(store):
    store.push("a", np.full((2, 3), np.nan, np.float32))
    assert np.isnan(store.pull("a")).all()
    store.set_optimizer(wo.optimizer.create("sgd", on_nonfinite="raise"))
    with pytest.raises(FloatingPointError, match="grad of 3"):
        store.push([3, 4], [np.full(4, np.inf), np.ones(2)])
    assert store.pull(4).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", ["sgd", "adam", "sgld", "adafactor"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_is_saved_goes_on_bit_for_bit(tmp_path, rng, name, dtype):
    extra = {"momentum": 0.9} if name == "sgd" else {}
    optimizer = wo.optimizer.create(name, multi_precision=name != "adafactor", **extra)
    grads = [rng.normal(size=(4, 3)).astype(dtype) for _ in range(6)]
    store = wo.kvstore.create()
    store.init(["w", "late"], [np.ones((4, 3), dtype), np.ones(2, dtype)])
    store.set_optimizer(optimizer)
    for grad in grads[:3]:
        store.push("w", grad)
    store.save(tmp_path / "store")
    other = wo.kvstore.create("local")
    other.load(tmp_path / "store")
    for one in (store, other):
        for grad in grads[3:]:
            one.push("w", grad)
        one.push("late", np.ones(2, dtype))
    for key in ("w", "late"):
        assert (store.pull(key) == other.pull(key)).all()


def test_a_file_of_something_else_is_refused(tmp_path):
    updater = wo.optimizer.get_updater(wo.optimizer.create("sgd"))
    updater.save(tmp_path / "states", weights={"a": np.ones(2)})
    store = wo.kvstore.create()
    store.init(0, np.ones(1))
    with pytest.raises(ValueError, match=r"expected a file from KVStore.save, got others"):
        store.load(tmp_path / "states")
    assert store.pull(0).tolist() == [1.0]


def test_report(store):
    assert store.report() == (0, 0, {})
    store.push(3, np.ones(4))
    assert store.report().pushes == 1
