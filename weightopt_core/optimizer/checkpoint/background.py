"""Saving beside the training: one file after another for each updater, and no failure is silent."""

from __future__ import annotations

import atexit
import os
import threading
import warnings
import weakref
from collections.abc import Callable
from typing import Any

from ...errors import wording


class Saving:
    """A file that is being written by another thread; ``Updater.save(..., wait=False)`` makes it.

    Attributes
    ----------
    path : str
        The file.
    """

    def __init__(self, path: str, write: Callable[[], None]):
        self.path = path
        self._error: BaseException | None = None
        self._is_seen = False
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._run, args=(write,), name=f"saving {path}")
        # The interpreter waits for it before it ends.
        self._thread.daemon = False
        _running.add(self)
        try:
            self._thread.start()
        except RuntimeError:  # there can be no more threads, as when the interpreter ends
            self._run(write)

    def _run(self, write: Callable[[], None]) -> None:
        try:
            write()
        except BaseException as error:
            # Tracebacks would keep the snapshot in memory.
            error.__cause__ = error.__context__ = None
            self._error = error.with_traceback(None)
            _failed.append(self)
        finally:
            _running.discard(self)

    @property
    def is_done(self) -> bool:
        """Whether it is written, or has failed."""
        return not self._thread.is_alive()

    def wait(self, timeout: float | None = None) -> None:
        """Return when the file is on the disk, or raise what went wrong.

        Parameters
        ----------
        timeout : float, optional
            How many seconds to wait at most.

        Raises
        ------
        OSError
            The file could not be written; the earlier one is as it was.
        TimeoutError
            It is not done in time.
        RuntimeError
            This is a forked child of the process that saves.
        """
        if os.getpid() != self._process:
            expected = "to be waited for in the process that saves it"
            raise RuntimeError(wording(self.path, expected, "a forked child"))
        if self._thread.ident is not None:
            self._thread.join(timeout)
        if not self.is_done:
            raise TimeoutError(wording(self.path, f"it to be saved in {timeout} s", "more"))
        if self._error is not None:
            self._is_seen = True
            if self in _failed:
                _failed.remove(self)
            raise self._error

    def __repr__(self) -> str:
        state = "in progress" if not self.is_done else "failed" if self._error else "done"
        return f"<Saving of {self.path!r}: {state}>"


#: The latest of each updater.
_latest: weakref.WeakKeyDictionary[Any, Saving] = weakref.WeakKeyDictionary()
#: Those that are being written.
_running: set[Saving] = set()
#: Those of which nobody knows yet that they failed.
_failed: list[Saving] = []


def start(updater: Any, path: str, write: Callable[[], None]) -> Saving:
    """Let another thread call `write`."""
    saving = _latest[updater] = Saving(path, write)
    return saving


def settle(updater: Any) -> None:
    """Wait for the latest file of `updater`, and raise what went wrong unless that was told."""
    saving = _latest.get(updater)
    if saving is None:
        return
    if saving.is_done and saving._is_seen:
        del _latest[updater]
        return
    try:
        saving.wait()
    finally:
        if saving.is_done:
            _latest.pop(updater, None)


def _end() -> None:
    """Wait for what began while the interpreter ends, and warn of what failed."""
    for saving in list(_running):
        saving._thread.join()
    for saving in _failed:
        warnings.warn(f"{saving.path}: it was not saved: {saving._error!r}", stacklevel=1)


def _forget() -> None:
    """Forget, in a forked child, the threads that its parent has."""
    _latest.clear()
    _running.clear()
    _failed.clear()


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
