"""States as bytes: what comes back, and what is refused."""

import json
import pickle

import numpy as np
import pytest

import weightopt_core as mx


def stepped(rng, size):
    """Return an updater that has seen two gradients of one weight."""
    updater = mx.optimizer.get_updater(mx.optimizer.create("adam"))
    weight = rng.normal(size=size)
    for grad in rng.normal(size=(2, size)):
        updater(0, grad, weight)
    return updater


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
    updater.states = {1.5: None}
    with pytest.raises(TypeError, match=r"index: expected a str or an int, got 1\.5"):
        updater.get_states()


def test_a_state_that_cannot_be_saved_is_named():
    updater = mx.optimizer.get_updater(mx.optimizer.create("sgd"))
    updater.states = {"w": object()}
    with pytest.raises(TypeError, match='state of "w": expected None, numbers, arrays'):
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
