"""Seeds, names and draws: which key each array gets."""

import hashlib
import json
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from weightopt_core import keys, random


def expected_key(seed, name, draw):
    words = struct.unpack("<8I", hashlib.sha256(name.encode()).digest())
    return tuple(np.random.SeedSequence(seed, spawn_key=(*words, draw)).generate_state(2, "u8"))


def fresh_process(code):
    command = [sys.executable, "-c", f"from weightopt_core import random\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("seed", [0, 7, 2**64 - 1, 2**200])
@pytest.mark.parametrize("name", ["fc1_weight", "größe", ""])
def test_key_of_seed_name_and_draw(seed, name):
    random.seed(seed)
    assert [random.stream(name) for _ in range(3)] == [
        expected_key(seed, name, draw) for draw in range(3)
    ]
    assert random.stream(name, seed=seed) == expected_key(seed, name, 0)


def test_key_is_plain_ints():
    key = random.stream("fc1_weight")
    assert [type(word) for word in key] == [int, int]
    assert all(0 <= word < 2**64 for word in key)


def test_order_of_names_does_not_matter():
    random.seed(7)
    one = {name: random.stream(name) for name in ("a", "b", "c")}
    random.seed(7)
    other = {name: random.stream(name) for name in ("c", "a", "b")}
    assert one == other
    assert len(set(one.values())) == 3


def test_no_name_and_the_empty_name_are_counted_together():
    random.seed(7)
    assert random.stream(None) == expected_key(7, "", 0)
    assert random.stream("") == expected_key(7, "", 1)


def test_own_seed_neither_uses_nor_moves_the_global_state():
    before = random.get_state()
    key = random.stream("fc1_weight", seed=np.int64(3))
    assert random.get_state() == before
    random.seed(11)
    assert random.stream("fc1_weight", seed=3) == key


def test_processes_without_a_seed_differ():
    code = "print(random.stream('fc1_weight'))"
    assert fresh_process(code) != fresh_process(code)


def test_seed_of_the_system_is_kept():
    code = "print(random.get_state()); random.stream('a'); print(random.get_state())"
    first, second = map(eval, fresh_process(code).splitlines())
    assert first["seed"] == second["seed"]
    assert (first["draws"], second["draws"]) == ({}, {"a": 1})


def test_state_goes_through_json():
    random.stream("a")
    state = json.loads(json.dumps(random.get_state()))
    expected = [random.stream("a"), random.stream("b"), random.stream(None)]
    random.seed(5)
    random.set_state(state)
    assert [random.stream("a"), random.stream("b"), random.stream(None)] == expected


def test_state_is_a_copy():
    state = random.get_state()
    random.stream("a")
    assert state == {"seed": 0, "draws": {}}
    random.set_state(state)
    random.stream("a")
    assert state["draws"] == {}


def test_threads_share_the_count():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # else a thread seldom stops within a draw
    try:
        with ThreadPoolExecutor(4) as executor:
            keys = list(executor.map(lambda _: random.stream("a"), range(8000)))
    finally:
        sys.setswitchinterval(interval)
    assert len(set(keys)) == 8000
    assert random.stream("a") == expected_key(0, "a", 8000)


@pytest.mark.parametrize("seed", [True, np.True_, 1.0, "1", b"1", [1]])
def test_refuses_what_is_no_integer(seed):
    with pytest.raises(TypeError, match="seed: expected an integer >= 0, got "):
        random.seed(seed)
    with pytest.raises(TypeError, match="seed: expected an integer >= 0, got "):
        random.stream("a", seed=seed)


def test_refuses_an_integer_below_0():
    with pytest.raises(ValueError, match="seed: expected an integer >= 0, got -1"):
        random.seed(-1)
    with pytest.raises(ValueError, match="seed: expected an integer >= 0, got -1"):
        random.stream("a", seed=np.int8(-1))


def test_refuses_no_global_seed():
    with pytest.raises(TypeError, match="got None"):
        random.seed(None)


def test_refuses_a_name_that_is_no_text():
    with pytest.raises(TypeError, match="name: expected None or a str, got 3"):
        random.stream(3)


@pytest.mark.parametrize(
    ("state", "kind", "message"),
    [
        (None, TypeError, "state: expected a dict, got None"),
        ({"seed": 1}, ValueError, "state: expected 'seed' and 'draws', got 'seed'"),
        ({"seed": -1, "draws": {}}, ValueError, "seed: expected an integer >= 0, got -1"),
        ({"seed": 1, "draws": [1]}, TypeError, "draws: expected a dict"),
        ({"seed": 1, "draws": {1: 1}}, TypeError, "draws: expected a dict of str to int"),
        ({"seed": 1, "draws": {"a": 1.0}}, TypeError, "draws of 'a': expected an integer >= 0"),
    ],
)
def test_refuses_a_state(state, kind, message):
    before = random.get_state()
    with pytest.raises(kind, match=message):
        random.set_state(state)
    assert random.get_state() == before


def test_keys_of_seeds_and_draws_of_any_size():
    chance = np.random.default_rng(4)
    seeds = [0, 1, 2**32 - 1, 2**32, 2**64, 2**128 - 1, 2**128, 2**300]
    for seed in seeds + [int.from_bytes(chance.bytes(1 + i % 30), "little") for i in range(200)]:
        draw = [0, 1, 2**32 - 1, 2**32, 2**70][seed % 5]
        assert keys.key(seed, str(seed), draw) == expected_key(seed, str(seed), draw)
