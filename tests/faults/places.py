"""Faults, each at the n-th place where it can come, and what a scene is afterwards."""

import contextlib
import os
import signal
import sys


class InjectedError(Exception):
    """The fault of a test."""


class Handled(BaseException):
    """What a signal's handler raises; as Ctrl-C does, it passes `except Exception`."""


@contextlib.contextmanager
def no_memory(n):
    """Let the n-th allocation fail."""
    import _testcapi

    _testcapi.set_nomemory(n, n + 1)
    try:
        yield
    finally:
        _testcapi.remove_mem_hooks()


class Hook:
    """Raises when it is called for the n-th time since `start`."""

    def __init__(self):
        self.left = sys.maxsize
        self.calls = 0

    def __call__(self):
        self.calls += 1
        self.left -= 1
        if self.left == 0:
            raise InjectedError

    @contextlib.contextmanager
    def raising(self, n):
        self.left, self.calls = n, 0
        try:
            yield
        finally:
            self.left = sys.maxsize


class Signals:
    """Sends this process a signal whose handler raises, at the n-th place where one may run.

    Python runs handlers when a function begins, and when one that is written in C has returned from
    a call. It tells a profiler of the same places.
    """

    def __init__(self):
        self.places = 0

    @contextlib.contextmanager
    def raising(self, n):
        self.places = 0
        own = sys._getframe()

        def handle(number, frame):
            raise Handled

        def at(frame, event, argument):
            if event not in ("call", "c_return") or frame is own or frame.f_back is own:
                return
            self.places += 1
            if self.places == n:
                os.kill(os.getpid(), signal.SIGUSR1)

        before = signal.signal(signal.SIGUSR1, handle)
        try:
            sys.setprofile(at)
            try:
                yield
            finally:
                sys.setprofile(None)
        finally:
            signal.signal(signal.SIGUSR1, before)


def references(scene):
    return [sys.getrefcount(array) for array in (*scene.weights, *scene.grads)]


def outcome(make, hook, fault):
    """Return the scene before, whether the fault showed, the scene after, and after one more act.

    The last is None where the fault did not show.
    """
    scene = make(hook)
    before, held = scene.seen(), references(scene)
    try:
        with fault:
            scene.act()
    except (InjectedError, Handled, MemoryError) as error:
        error.__traceback__ = None
        shown = type(error).__name__
    else:
        shown = ""
    found = scene.seen()
    # Python itself keeps the arguments of a call for which it has no memory.
    kept = shown != "MemoryError" and references(scene) != held
    assert not kept, f"{shown or 'no error'}: references are kept"
    if not shown:
        return before, shown, found, None
    if found == before:
        scene.act()
    return before, shown, found, scene.seen()


def check(name, make, hook, faults):
    """Inject each fault into a scene of its own; yield which of them did not show."""
    expected = make(hook)
    expected.act()
    after = expected.seen()
    for n, fault in faults:
        try:
            before, shown, found, later = outcome(make, hook, fault)
        except AssertionError as error:
            raise AssertionError(f"{name}, fault {n}: {error}") from None
        where = f"{name}, fault {n} ({shown or 'not shown'})"
        fits = (before, after) if shown else (after,)
        assert found in fits, f"{where}: neither before nor after"
        assert later in (None, after), f"{where}: what comes next is not as it would have been"
        if not shown:
            yield n
