"""Bytes that somebody made up, or damaged: refused in one sentence, and nothing changes."""

import json
import struct
import time
import tracemalloc

import pytest
from checkpoints import content_of, edited, framed, stepped

BEYOND = 2**62 + 1
PARTS = {"tuple": [{"tensor": "0/0"}, {"tensor": "0/1"}]}
TWO = json.dumps(PARTS)
CRAFTED = {
    "count beyond": {"counts": [[0, BEYOND]]},
    "count below": {"counts": [[0, -1]]},
    "count of a fraction": {"counts": [[0, 1.5]]},
    "count of a whole fraction": {"counts": "[[0, 2.0]]"},
    "count of a bool": {"counts": [[0, True]]},
    "count of text": {"counts": [[0, "2"]]},
    "count of None": {"counts": [[0, None]]},
    "count of NaN": {"counts": "[[0, NaN]]"},
    "count of 1e999": {"counts": "[[0, 1e999]]"},
    "count of many digits": {"counts": "[[0, " + "9" * 5000 + "]]"},
    "count twice": {"counts": [[0, 2], [0, 2]]},
    "count of a list": {"counts": [[[0], 2]]},
    "count of no index": {"counts": [[None, 2]]},
    "count of a fractional index": {"counts": [[0.5, 2]]},
    "count of a bool as index": {"counts": [[False, 2]]},
    "count alone": {"counts": [[0]]},
    "counts by name": {"counts": {"0": 2}},
    "num_update beyond": {"num_update": BEYOND},
    "num_update below": {"num_update": -5},
    "num_update of a bool": {"num_update": True},
    "num_update of a fraction": {"num_update": 2.5},
    "num_update of None": {"num_update": None},
    "seed of text": {"noise_seed": "abc"},
    "seed of a list": {"noise_seed": [1]},
    "seed below": {"noise_seed": -1},
    "seed beyond": {"noise_seed": 2**64},
    "seed of a fraction": {"noise_seed": 1.0},
    "seed of a bool": {"noise_seed": True},
    "seed infinite": {"noise_seed": "Infinity"},
    "seed deep": {"noise_seed": "[" * 200_000 + "]" * 200_000},
    "no states": {"states": []},
    "states by name": {"states": {}},
    "states of text": {"states": '"ab"'},
    "state twice": {"states": [[0, PARTS], [0, {"value": None}]]},
    "state of a bool as index": {"states": [[True, PARTS]]},
    "state of a fractional index": {"states": [[1.5, PARTS]]},
    "array twice": {"states": [[0, {"tuple": [{"tensor": "0/0"}] * 2}]]},
    "array of none": {"states": [[0, PARTS], [1, {"tensor": "0/2"}]]},
    "array without a name": {"states": [[0, PARTS], [1, {"tensor": [1]}]]},
    "array in no state": {"states": [[0, {"tuple": [{"tensor": "0/0"}]}]]},
    "unknown part": {"states": [[0, PARTS], [1, {"pickle": "x"}]]},
    "two parts": {"states": [[0, PARTS], [1, {"value": 1, "tensor": "0/0"}]]},
    "no part": {"states": [[0, PARTS], [1, {}]]},
    "part of a list": {"states": [[0, PARTS], [1, [1]]]},
    "value of a dict": {"states": [[0, PARTS], [1, {"value": {}}]]},
    "value of NaN": {"states": f'[[0, {TWO}], [1, {{"value": NaN}}]]'},
    "float of anything": {"states": [[0, PARTS], [1, {"float": "1e5"}]]},
    "tuple of a dict": {"states": [[0, PARTS], [1, {"tuple": {"a": 1}}]]},
    "tuple of text": {"states": [[0, PARTS], [1, {"tuple": "ab"}]]},
    "deep state": {
        "states": f"[[0, {TWO}], [1, " + '{"list":[' * 40 + '{"value":1}' + "]}" * 40 + "]]"
    },
    "deeper state": {"states": '{"list":[' * 50_000 + '{"value":1}' + "]}" * 50_000},
    "key twice": {"num_update": '2, "num_update": 3'},
    "settings of a list": {"settings": [1]},
    "optimizer of a list": {"optimizer": ["adam"]},
}


def refuses(data, updater, match="states: expected bytes from get_states, got others"):
    """Assert that `data` is refused in one sentence, soon, and that nothing changes."""
    before = updater.get_states(), updater.states, updater.optimizer.noise_seed
    tracemalloc.start()
    begin = time.process_time()  # which a busy machine does not change
    try:
        with pytest.raises(ValueError, match=match) as caught:
            updater.set_states(data)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert time.process_time() - begin < 10  # most take a millisecond
    assert peak < 100 * len(data) + 2_000_000
    assert (updater.get_states(), updater.states, updater.optimizer.noise_seed) == before


@pytest.mark.parametrize("kind", CRAFTED)
def test_crafted_content_is_refused(kind, rng):
    updater = stepped(rng, 3)
    assert content_of(edited(updater.get_states()))[1]["counts"] == [[0, 2]]
    refuses(edited(updater.get_states(), **CRAFTED[kind]), updater)


@pytest.mark.parametrize("format", [0, 4, True, "2", None, 1.0, [2], 10**100])
def test_another_format_is_named(format, rng):
    updater = stepped(rng, 3)
    data = edited(updater.get_states(), format=json.dumps(format))
    refuses(data, updater, r"format of states: expected 1, 2 or 3, got ")


def meta(updater):
    return content_of(updater.get_states())[0]["__metadata__"]


HEADERS = {
    "negative shape": {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}},
    "huge shape": {"a": {"dtype": "F32", "shape": [2**62], "data_offsets": [0, 4]}},
    "shape that overflows": {"a": {"dtype": "F32", "shape": [2**33] * 4, "data_offsets": [0, 4]}},
    "huge shape of nothing": {"a": {"dtype": "F32", "shape": [2**63, 0], "data_offsets": [0, 0]}},
    "many axes": {"a": {"dtype": "F32", "shape": [1] * 100, "data_offsets": [0, 4]}},
    "beyond the end": {"a": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4 * 10**9]}},
    "backwards": {"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}},
    "unknown dtype": {"a": {"dtype": "C64", "shape": [1], "data_offsets": [0, 8]}},
    "no offsets": {"a": {"dtype": "F32", "shape": [1]}},
    "no dict": {"a": [1]},
}


@pytest.mark.parametrize("kind", HEADERS)
def test_arrays_that_lie_about_their_size_are_refused(kind, rng):
    updater = stepped(rng, 3)
    refuses(framed({"__metadata__": meta(updater)} | HEADERS[kind], bytes(8)), updater)


def test_headers_that_lie_are_refused(rng):
    updater = stepped(rng, 3)
    whole = updater.get_states()
    header, _, body = content_of(whole)
    text = json.dumps(header).encode()
    name = b'"0/0"' if b'"0/0"' in text else text[text.index(b'"0') :][:5]
    for length in (0, len(whole) - 7, 2**63):
        data = struct.pack("<Q", length) + whole[8:]
        refuses(data, updater, rf"got others .*a header of {length} bytes in {len(whole)}\)")
    for data in [
        framed(b"[" * 500_000),
        framed(b'{"a":' * 200_000),
        framed(b'{"__metadata__": 1}'),
        framed(b'{"__metadata__": {"weightopt": 1}}'),
        framed(b'{"__metadata__": {"weightopt": "1"}}'),
        framed(b'{"__metadata__": {"weightopt": "{}"}}'),
        framed(text.replace(b"{", b'{"__metadata__": {}, ', 1), body),
        framed(text.replace(name, b'"x"', 1), body),
        framed(header, body + b"more"),
        framed(header, body[:-1]),
        framed("\ud800".encode("utf-8", "surrogatepass")),
    ]:
        refuses(data, updater)


def test_bytes_that_are_changed_anywhere_never_do_harm(rng):
    updater = stepped(rng, 3)
    whole = updater.get_states()
    for place in rng.integers(0, len(whole), 300):
        data = bytearray(whole)
        data[place] ^= 1 << rng.integers(8)
        other = stepped(rng, 3)
        before = other.states
        try:
            other.set_states(bytes(data), strict=False)
        except ValueError:
            assert other.states is before
            assert dict(other.optimizer._index_update_count) == {0: 2}
