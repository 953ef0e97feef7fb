"""Readers of foreign bytes: what the fuzzer found, and seeded changes of valid input."""

import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from seeds import seeds  # noqa: E402
from targets import TARGETS, Refused  # noqa: E402

CORPUS = sorted(path for path in HERE.glob("corpus/*/*") if path.is_file())


def taken(target, data):
    try:
        TARGETS[target](data)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("target", TARGETS)
def test_valid_input_is_taken(target):
    assert all(taken(target, data) for data in seeds()[target])


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_before(path):
    taken(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_changed_input_is_refused_as_documented(target, rng):
    refused = 0
    for _ in range(40):
        data = seeds_of(target, rng)
        refused += not taken(target, changed(data, rng))
    assert refused or target == "entry_points"  # which takes whatever comes, without harm


def seeds_of(target, rng):
    found = seeds_of.found = getattr(seeds_of, "found", None) or seeds()
    return found[target][rng.integers(len(found[target]))]


def changed(data, rng):
    """Return bytes that differ from `data` in one of the ways in which files are damaged."""
    data = bytearray(data)
    at, end = sorted(rng.integers(0, len(data) + 1, 2))
    way = rng.integers(5)
    if way == 0:
        del data[at:]
    elif way == 1:
        del data[at:end]
    elif way == 2:
        data[at:at] = data[at:end]
    elif way == 3:
        data[at:end] = rng.integers(0, 256, end - at).astype(np.uint8).tobytes()
    else:
        for place in rng.integers(0, len(data), 3):
            data[place] ^= 1 << rng.integers(8)
    return bytes(data)
