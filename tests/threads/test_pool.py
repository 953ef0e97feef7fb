"""The pool's helpers: whom they wake, what they block, concurrent callers, and forked children."""

import os
import signal
import sys
import threading

import numpy as np
import pytest
from processes import fresh_process, stepped

import weightopt_core as mx

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(autouse=True)
def restored():
    yield
    mx.set_num_threads(None)


@linux
def test_helpers_that_are_not_wanted_sleep_on():
    code = """
mx.set_num_threads(40)
stepped(40 * 16384, 1)
time.sleep(0.5)
mx.set_num_threads(2)
stepped(40 * 16384, 3)
before = {path: int(field(path, "voluntary")) for path in tasks()}
for _ in range(20):
    time.sleep(0.001)  # longer than a helper looks out for a job
    stepped(40 * 16384, 5)
woken = [path for path in before if int(field(path, "voluntary")) != before[path]]
print(len(before), "few" if len(woken) <= 2 else len(woken))
"""
    assert fresh_process(code) == "40 few"


@linux
@pytest.mark.parametrize("size", [1, 200_000])
def test_signals_that_the_program_blocks_stay_blocked(size):
    code = f"""
mx.set_num_threads(3)
stepped({size})
numbers = {{signal.SIGUSR1, signal.SIGTERM, signal.SIGPROF}}
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
for number in numbers:
    os.kill(os.getpid(), number)
got = {{signal.sigtimedwait(numbers, 10).si_signo for _ in numbers}}
print(got == numbers)
"""
    assert fresh_process(code) == "True"


@linux
def test_helpers_block_all_signals_but_their_own():
    code = """
before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
mx.set_num_threads(3)
stepped(200_000)
own = [signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP]
fatal = [signal.SIGKILL, signal.SIGSTOP]
usual = {n for n in range(1, 32) if n not in own + fatal}
until, found = time.monotonic() + 20, None
while found != [before, usual, usual] and time.monotonic() < until:  # a thread begins with more
    blocked = [int(field(path, "SigBlk"), 16) for path in tasks()]
    as_sets = [{n for n in range(1, 32) if mask >> n - 1 & 1} for mask in blocked]
    found = sorted(as_sets, key=len)
print(found == [before, usual, usual])
"""
    assert fresh_process(code) == "True"


@linux
@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="takes memory of its own")
def test_no_memory_for_helpers():
    code = """
import resource
mx.set_num_threads(1)
expected = stepped(200_000)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (7 << 20), used + (7 << 20)))  # a stack takes 8
mx.set_num_threads(3)
print((stepped(200_000) == expected).all(), len(tasks()))
"""
    assert fresh_process(code) == "True 1"


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


@linux
def test_a_forked_child_has_helpers_of_its_own():
    code = """
mx.set_num_threads(3)
stepped(200_000)
child = os.fork()
if child == 0:
    before = len(tasks())
    stepped(200_000)
    os._exit(10 * before + len(tasks()))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert fresh_process(code) == "13"


@linux
@pytest.mark.filterwarnings("ignore:This process")
def test_a_fork_while_another_thread_steps():
    mx.set_num_threads(2)
    expected = stepped(200_000)
    stop = threading.Event()

    def step_on():
        while not stop.is_set():
            stepped(200_000)

    stepper = threading.Thread(target=step_on)
    stepper.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                signal.alarm(60)
                os._exit(0 if np.array_equal(stepped(200_000), expected) else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        stepper.join()
