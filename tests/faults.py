"""Saving on a system that fails, as a program: python tests/faults.py FOLDER SHIM WHAT.

SHIM is tests/checkpoint/faults.c, compiled and preloaded. For one call after another, until none is
left, a forked process saves while that call fails or ends it. It prints a list with what became of
each, as JSON.
"""

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

from kills import forked, left_in, number_of, numbered

FUNCTIONS = ("any", "write", "fsync", "rename", "link", "unlink", "flock", "fchmod", "open")
ACTIONS = {"kill before": -1, "kill after": -2, "short writes": -3}


def save(path, inject, function, n, action, told):
    """Save the number 4 while a call fails, and tell through a pipe what came of it."""
    updater, weights = numbered(4)
    inject(FUNCTIONS.index(function), n, action)
    words = "saved"
    try:
        updater.save(path, weights=weights, keep=2)
    except OSError as error:
        named = error.filename == str(path)
        words = f"{error.errno}" if named else f"an error that names {error.filename!r}: {error}"
    except BaseException as error:
        words = repr(error)
    inject(0, -1, 0)
    os.write(told, words.encode())


def tried(folder, inject, function, n, action):
    """Return what came of a save whose call `n` fails, and which number is there then."""
    path = Path(folder, "run.safetensors")
    for name in os.listdir(folder):
        os.unlink(Path(folder, name))
    for number in (1, 2, 3):
        updater, weights = numbered(number)
        updater.save(path, weights=weights, keep=2)
    heard, told = os.pipe()
    child = forked(save, path, inject, function, n, action, told)
    os.close(told)
    status = os.waitpid(child, 0)[1]
    with open(heard, "rb") as pipe:
        words = pipe.read().decode()
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        words = "killed"
    kept = [number_of(f"{path}.{n}") for n in (1, 2) if os.path.exists(f"{path}.{n}")]
    return {
        "n": n,
        "came": words,
        "is": number_of(path),
        "kept": kept,
        "left": len(left_in(folder)),
    }


def main(folder, shim, what):
    """Print what came of every call."""
    function, action = what.split(":")
    inject = ctypes.CDLL(shim).inject
    inject.argtypes = ctypes.c_int, ctypes.c_long, ctypes.c_int
    number = ACTIONS.get(action) or int(action)
    found = [tried(folder, inject, function, 0, number)]
    # With more calls than there are, nothing fails.
    while found[-1]["came"] != "saved" and len(found) < 60 and number != ACTIONS["short writes"]:
        found.append(tried(folder, inject, function, len(found), number))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
