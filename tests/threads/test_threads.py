"""How many threads there are: set, by default, and more than there can be."""

import os
import sys

import numpy as np
import pytest
from processes import fresh_process, stepped

import weightopt_core as mx
from weightopt_core.kernels import random_fill as kernel

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(autouse=True)
def restored():
    yield
    mx.set_num_threads(None)


def test_set_and_default():
    mx.set_num_threads(3)
    assert mx.get_num_threads() == 3
    for wrong in (0, -1, 1.5, True, "two", -(2**70), np.float64(2)):
        with pytest.raises(ValueError, match="threads: expected None or an integer >= 1, got"):
            mx.set_num_threads(wrong)
        assert mx.get_num_threads() == 3
    mx.set_num_threads(np.int64(2))
    assert mx.get_num_threads() == 2
    mx.set_num_threads(None)
    assert mx.get_num_threads() >= 1


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("3", "3"),
        ("007", "7"),
        ("", "default"),
        ("3000", "256"),
        (str(2**40), "256"),
        ("9" * 99, "256"),
        ("9" * 5000, "ValueError: WEIGHTOPT_NUM_THREADS: expected an integer >= 1, got"),
        ("zero", "ValueError: WEIGHTOPT_NUM_THREADS: expected an integer >= 1, got 'zero'"),
        ("0", "ValueError: WEIGHTOPT_NUM_THREADS: expected an integer >= 1, got '0'"),
        ("-1", "ValueError: WEIGHTOPT_NUM_THREADS: expected an integer >= 1, got '-1'"),
        ("\u0663", "ValueError: WEIGHTOPT_NUM_THREADS: expected an integer >= 1, got '\u0663'"),
        ("1e3", "ValueError: WEIGHTOPT_NUM_THREADS: expected an integer >= 1, got '1e3'"),
    ],
)
def test_environment_variable(text, printed):
    code = "print(mx.get_num_threads())"
    if printed == "default":
        printed = str(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count())
    got = fresh_process(code, WEIGHTOPT_NUM_THREADS=text, PYTHONIOENCODING="utf-8")
    assert got.startswith(printed)


def test_a_wrong_variable_changes_nothing():
    code = """
try:
    optimizer = mx.optimizer.create("sgd", learning_rate=1.0)
    weight = np.zeros(50_000)
    optimizer.update(0, weight, np.ones(50_000), None)
except ValueError:
    before = optimizer.num_update, weight.any()
    mx.set_num_threads(2)
    optimizer.update(0, weight, np.ones(50_000), None)
    print(*before, optimizer.num_update, (weight == -1).all())
"""
    assert fresh_process(code, WEIGHTOPT_NUM_THREADS="many") == "0 False 1 True"


@pytest.mark.parametrize("threads", [257, 3000, 2**31 - 1, 2**31, 2**63, 2**70])
def test_more_threads_than_there_can_be(threads):
    mx.set_num_threads(1)
    expected = stepped(100_000)
    mx.set_num_threads(threads)
    assert mx.get_num_threads() == 256
    assert np.array_equal(stepped(100_000), expected)
    mx.init.create("uniform")("a_weight", expected)
    assert mx.optimizer.global_norm([expected]) > 0


def test_more_threads_than_the_pool_has():
    few, many = np.empty(300 * 16384, np.float32), np.empty(300 * 16384, np.float32)
    kernel.fill_uniform(few, 1, 2, 0, 0.0, 1.0, 0.0, 1.0, 1)
    kernel.fill_uniform(many, 1, 2, 0, 0.0, 1.0, 0.0, 1.0, 3000)
    assert np.array_equal(few, many)


@linux
def test_processors_that_change_are_seen():
    mx.set_num_threads(None)
    all_of_them = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(all_of_them)})
        assert mx.get_num_threads() == 1
    finally:
        os.sched_setaffinity(0, all_of_them)
    assert mx.get_num_threads() == min(256, len(all_of_them))
