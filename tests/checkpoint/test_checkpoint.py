"""States as bytes: what comes back, and what is refused."""

import collections
import json
import pickle

import numpy as np
import pytest
from checkpoints import stepped

import weightopt_core as mx
from weightopt_core.dtypes import dtype_of


def test_states_of_any_form_come_back():
    updater = mx.optimizer.get_updater(mx.optimizer.create("sgd"))
    updater.states = {
        0: None,
        1: [np.arange(3, dtype=np.int32), (1, 2.5, "text", True)],
        "name": (np.float16(2) * np.ones((2, 2), np.float16), None),
    }
    other = mx.optimizer.get_updater(mx.optimizer.create("sgd"))
    other.set_states(updater.get_states())
    assert list(other.states) == [0, 1, "name"]
    assert other.states[1][1] == (1, 2.5, "text", True)
    np.testing.assert_array_equal(other.states[1][0], [0, 1, 2])
    assert other.states["name"][0].dtype == np.float16
    other.states[1][0][:] = 1  # writable


def test_indices_of_numpy_and_others():
    updater = mx.optimizer.get_updater(mx.optimizer.create("sgd"))
    updater.states = {np.int64(3): None}
    other = mx.optimizer.get_updater(mx.optimizer.create("sgd"))
    other.set_states(updater.get_states())
    assert other.states == {3: None}
    updater.states = {True: None}
    other.set_states(updater.get_states(), strict=False)
    assert other.states == {1: None}
    updater.states = {1.5: None}
    with pytest.raises(TypeError, match=r"index: expected a str or an int, got 1\.5"):
        updater.get_states()


def test_a_state_that_cannot_be_saved_is_named():
    updater = mx.optimizer.get_updater(mx.optimizer.create("sgd"))
    updater.states = {"w": object()}
    with pytest.raises(TypeError, match='state of "w": expected None, numbers, arrays'):
        updater.get_states()


def test_an_array_in_another_order_is_saved_by_its_elements():
    updater, other = (mx.optimizer.get_updater(mx.optimizer.create("sgd")) for _ in range(2))
    rows = np.arange(6.0).reshape(2, 3)
    updater.states = {"columns": np.asfortranarray(rows), "strided": rows[:, ::-2], "one": rows[1]}
    other.set_states(updater.get_states())
    for name, state in updater.states.items():
        np.testing.assert_array_equal(other.states[name], state)


def test_arrays_of_every_type_come_back():
    updater, other = (mx.optimizer.get_updater(mx.optimizer.create("sgd")) for _ in range(2))
    integers = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
    names = [*integers, "float16", "bfloat16", "float32", "float64"]
    updater.states = {name: np.arange(3).astype(dtype_of(name)) for name in names}
    other.set_states(updater.get_states())
    for name, state in other.states.items():
        assert state.dtype == dtype_of(name)
        assert state.tolist() == [0, 1, 2]


def test_lists_and_tuples_stay_what_they_are_wherever_their_weight_is():
    """An optimizer without a rule says itself what its states are."""

    class Own(mx.Optimizer):
        def create_state(self, index, weight):
            return [np.zeros_like(weight), (np.zeros_like(weight), 3)]

        def update(self, index, weight, grad, state):
            state[0] += grad
            state[1][0][:] -= grad

    updater, other = (mx.optimizer.get_updater(Own()) for _ in range(2))
    weight = np.ones(2)
    updater("w", np.ones(2), weight)
    other.set_states(updater.get_states())
    for _ in range(2):  # as it is loaded, and as it is placed
        assert [type(part) for part in (other.states["w"], *other.states["w"])] == [
            list,
            np.ndarray,
            tuple,
        ]
        other("w", np.ones(2), weight)
    np.testing.assert_array_equal(other.states["w"][0], [3, 3])


def test_the_deepest_state_comes_back():
    updater, other = (mx.optimizer.get_updater(mx.optimizer.create("sgd")) for _ in range(2))
    state = 1.5
    for _ in range(32):
        state = (state,)
    updater.states = {0: state}
    other.set_states(updater.get_states())
    assert other.states == {0: state}
    updater.states = {0: (state,)}
    with pytest.raises(ValueError, match="state: expected tuples in at most 32 others, got more"):
        updater.get_states()


REFUSED = {
    "pickle": pickle.dumps({0: None}),
    "empty": b"",
    "short": b"\x10\0\0\0\0\0\0\0{}",
    "huge header": b"\xff" * 8 + b"{}",
    "other safetensors": b"\x02\0\0\0\0\0\0\0{}",
    "text": b"not at all",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_other_bytes_are_refused_and_nothing_changes(kind):
    updater = mx.optimizer.get_updater(mx.optimizer.create("sgd"))
    updater.states = {0: None}
    with pytest.raises(ValueError, match="states: expected bytes from get_states, got"):
        updater.set_states(REFUSED[kind])
    assert updater.states == {0: None}


def test_things_that_are_no_bytes_are_refused():
    updater = mx.optimizer.get_updater(mx.optimizer.create("sgd"))
    for wrong in ("text", None, {0: None}):
        with pytest.raises(TypeError, match="states: expected bytes"):
            updater.set_states(wrong)


def test_states_of_another_optimizer_are_refused():
    adam = mx.optimizer.get_updater(mx.optimizer.create("adam"))
    sgd = mx.optimizer.get_updater(mx.optimizer.create("sgd"))
    with pytest.raises(ValueError, match="states: expected those of sgd, got those of adam"):
        sgd.set_states(adam.get_states())


def test_truncated_bytes_are_refused(rng):
    updater = stepped(rng, 50)
    data = updater.get_states()
    for end in rng.integers(0, len(data), 60):
        with pytest.raises(ValueError, match="expected bytes from get_states"):
            updater.set_states(data[:end])


def test_metadata_is_plain_json(rng):
    data = stepped(rng, 5).get_states()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    content = json.loads(header["__metadata__"]["weightopt"])
    assert content["optimizer"] == "adam"
    assert content["counts"] == [[0, 2]]


def test_named_tuples_become_tuples_and_numbers_stay():
    pair = collections.namedtuple("pair", "mean var")
    updater = mx.optimizer.get_updater(mx.optimizer.create("adam"))
    weight, grad = np.ones(2), np.ones(2)
    updater("w", grad, weight)
    updater.states = {"w": pair(*updater.states["w"]), "x": (float("inf"), float("nan"), 10**30)}
    other = mx.optimizer.get_updater(mx.optimizer.create("adam"))
    other.set_states(updater.get_states())
    assert type(other.states["w"]) is tuple
    assert repr(other.states["x"]) == "(inf, nan, 1000000000000000000000000000000)"
    other.states["w"] = pair(*other.states["w"])
    other("w", grad, weight)
    assert other.optimizer.num_update == 2


def test_what_cannot_be_read_again_is_not_written():
    updater = mx.optimizer.get_updater(mx.optimizer.create("adam"))
    weight = np.ones(1, np.float32)
    updater("x" * 25_000_000, weight.copy(), weight)
    match = "header of states: expected at most 100 MB, the limit of safetensors, got more"
    with pytest.raises(ValueError, match=match):
        updater.get_states()
    nested = []
    nested.append(nested)
    updater.states = {0: nested}
    with pytest.raises(ValueError, match="state: expected tuples in at most 32 others"):
        updater.get_states()
    updater.states = {}
    updater.optimizer.noise_seed = 2**64
    with pytest.raises(ValueError, match="noise_seed: expected None or an integer in"):
        updater.get_states()


@pytest.mark.parametrize(
    "index", [None, 1.5, b"fc", ("layer", "W"), np.float32(1), frozenset(), range(2)]
)
def test_an_index_that_cannot_be_saved_is_refused_at_once(index):
    updater = mx.optimizer.get_updater(mx.optimizer.create("adam"))
    weight = np.ones(3)
    for given in ([index], index if not isinstance(index, tuple) else [index]):
        arrays = ([np.ones(3)], [weight]) if isinstance(given, list) else (np.ones(3), weight)
        with pytest.raises(TypeError, match="index: expected a str or an int, got "):
            updater(given, *arrays)
    assert updater.states == {}
    assert updater.optimizer.num_update == 0
    assert (weight == 1).all()


def test_an_index_without_a_hash_is_refused_at_once():
    updater = mx.optimizer.get_updater(mx.optimizer.create("adam"))
    for index in (np.arange(2), {}, {1}):
        for given in (index, [index]):
            with pytest.raises(TypeError, match="index: expected a str or an int, got "):
                updater(given, [np.ones(3)], [np.ones(3)])


def test_a_loaded_state_that_is_never_stepped_leaves_lists_fast(monkeypatch):
    updater, other = (mx.optimizer.get_updater(mx.optimizer.create("sgd")) for _ in range(2))
    weights = [np.ones(2) for _ in range(3)]
    updater([0, 1, 2], weights, [np.ones(2) for _ in range(3)])
    other.set_states(updater.get_states())
    other([0, 1], [np.ones(2)] * 2, weights[:2])

    def first(*args):
        raise AssertionError("these have states and places")

    monkeypatch.setattr(other, "_update_first", first)
    other([0, 1], [np.ones(2)] * 2, weights[:2])


def test_a_weight_whose_state_is_deleted_begins_anew():
    updater = mx.optimizer.get_updater(mx.optimizer.create("adam", learning_rate=0.1))
    weights = {"fc": np.zeros(1), "other": np.zeros(1)}
    for _ in range(10):
        for name, weight in weights.items():
            updater(name, np.ones(1), weight)
    for again in (
        updater,
        mx.optimizer.get_updater(mx.optimizer.create("adam", learning_rate=0.1)),
    ):
        weights["fc"][:] = 0
        if again is updater:
            del updater.states["fc"]
            saved = updater.get_states()
            with pytest.raises(ValueError, match="shape"):
                again("fc", np.ones(2), weights["fc"])
            assert updater.optimizer._index_update_count["fc"] == 10
        else:
            again.set_states(saved, strict=False)
        again("fc", np.ones(1), weights["fc"])
        assert abs(weights["fc"][0] + 0.1) < 1e-6  # epsilon makes it a little less
        assert again.optimizer._index_update_count["fc"] == 1
        assert again.optimizer.num_update == 10
