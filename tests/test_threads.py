"""How many threads there are, concurrent callers, and forked children."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import weightopt_core as mx


@pytest.fixture(autouse=True)
def restored():
    yield
    mx.set_num_threads(None)


def test_set_and_default():
    mx.set_num_threads(3)
    assert mx.get_num_threads() == 3
    mx.set_num_threads(None)
    assert mx.get_num_threads() >= 1
    for wrong in (0, -1, 1.5, True, "two"):
        with pytest.raises(ValueError, match="threads: expected None or an integer >= 1, got"):
            mx.set_num_threads(wrong)


@pytest.mark.parametrize(
    ("text", "printed"), [("3", "3"), ("zero", "WEIGHTOPT_NUM_THREADS: expected")]
)
def test_environment_variable(text, printed):
    code = "import weightopt_core as mx; print(mx.get_num_threads())"
    env = os.environ | {"WEIGHTOPT_NUM_THREADS": text}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, text=True, capture_output=True, check=False
    )
    assert printed in done.stdout + done.stderr


def stepped(size, steps=5):
    optimizer = mx.optimizer.create("adam")
    weight = np.linspace(-1, 1, size, dtype=np.float32)
    state = optimizer.create_state(0, weight)
    for _ in range(steps):
        optimizer.update(0, weight, weight.copy(), state)
    return weight


def test_concurrent_callers():
    mx.set_num_threads(2)
    expected = stepped(200_000)
    results = []
    callers = [threading.Thread(target=lambda: results.append(stepped(200_000))) for _ in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(results) == 6
    assert all(np.array_equal(result, expected) for result in results)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_child_works():
    mx.set_num_threads(2)
    expected = stepped(200_000)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        same = np.array_equal(stepped(200_000), expected)
        os.write(writer, b"1" if same else b"0")
        os._exit(0)
    os.close(writer)
    assert os.read(reader, 1) == b"1"
    os.waitpid(child, 0)
    assert np.array_equal(stepped(200_000), expected)
