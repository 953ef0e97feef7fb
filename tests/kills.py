"""Processes that are killed while they save, as a program: python tests/kills.py FOLDER COUNT SEED.

It has no threads and forks each process that is killed, so that a kill takes milliseconds. After
each, the file has to be the one that was there or the one that was being written. It prints what
it counted as JSON, and ends with an error where a file was lost.
"""

import contextlib
import errno
import json
import mmap
import os
import random
import signal
import struct
import sys
import time
from pathlib import Path

import numpy as np

import weightopt_core as mx

#: In memory that both processes have: the number whose file is whole, and the one being written.
_NUMBERS = struct.Struct("qq")


def numbered(number):
    """Return an updater and weights of a size of their own, filled with a number."""
    updater = mx.optimizer.get_updater(mx.optimizer.create("adam"))
    size = 2000 + 7919 * number % 60_000
    updater.optimizer._index_update_count = {"w": number}
    updater.optimizer.num_update = number
    updater.states = {"w": tuple(np.full(size, number, np.float32) for _ in range(2))}
    return updater, {"w": np.full(size, number)}


def number_of(path):
    """Return the number of a file, after a look at every element."""
    updater = mx.optimizer.get_updater(mx.optimizer.create("adam"))
    weight = updater.load(path)["w"]
    number = updater.optimizer.num_update
    expected, weights = numbered(number)
    assert weight.tobytes() == weights["w"].tobytes(), f"{path}: weights that are not those saved"
    assert updater.get_states() == expected.get_states(), f"{path}: states that are not those saved"
    return number


def left_in(folder):
    """Return the temporary files in a folder."""
    return [name for name in os.listdir(folder) if name.endswith(".tmp")]


def forked(function, *args):
    """Return the number of a child that calls a function, and ends with 1 if that fails."""
    child = os.fork()
    if not child:
        code = 1
        try:
            function(*args)
            code = 0
        finally:
            os._exit(code)
    return child


def save_for_ever(path, shared):
    """Save one number after another; a disk that is full is borne."""
    _, number = _NUMBERS.unpack(shared[:])
    while True:
        number += 1
        done, _ = _NUMBERS.unpack(shared[:])
        shared[:] = _NUMBERS.pack(done, number)
        updater, weights = numbered(number)
        try:
            updater.save(path, weights=weights, keep=1)
        except OSError as error:
            if error.errno != errno.ENOSPC or error.filename != str(path):
                raise
        else:
            shared[:] = _NUMBERS.pack(number, number)


def seconds_of_a_save(path):
    """Return the least of some, since the first one takes long."""
    seconds = []
    for number in range(1, 9):
        updater, weights = numbered(number)
        begin = time.perf_counter()
        with contextlib.suppress(OSError):
            updater.save(path, weights=weights, keep=1)
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def main(folder, count, seed):
    """Kill processes, and print what became of their files."""
    path = Path(folder, "run.safetensors")
    seconds = seconds_of_a_save(path)
    number = number_of(path)
    shared = mmap.mmap(-1, _NUMBERS.size)
    print(f"a save takes {1000 * seconds:.1f} ms", file=sys.stderr)
    shared[:] = _NUMBERS.pack(number, max(number, 8))
    delays = random.Random(seed)
    found = {"kills": 0, "earlier": 0, "new": 0, "left": 0}
    for _ in range(int(count)):
        child = forked(save_for_ever, path, shared)
        time.sleep(delays.random() * (4 * seconds + 0.002))
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        assert os.WTERMSIG(status) == signal.SIGKILL, "the child failed before it was killed"
        done, begun = _NUMBERS.unpack(shared[:])
        number = number_of(path)
        assert number in (done, begun), f"{path}: {number}, neither {done} nor {begun}"
        if os.path.exists(f"{path}.1"):
            assert number_of(f"{path}.1") <= number
        left = left_in(folder)
        assert len(left) < 2, f"temporary files pile up: {left}"
        found["kills"] += 1
        found["left"] += len(left)
        if done != begun:
            found["new" if number == begun else "earlier"] += 1
        shared[:] = _NUMBERS.pack(number, begun)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{path}.1")  # where the disk is small, a third file may not fit
    updater, weights = numbered(1)
    updater.save(path.with_name("other"), weights=weights)
    assert not left_in(folder)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
