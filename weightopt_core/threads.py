"""How many threads a step may use."""

from __future__ import annotations

import os

from .errors import wording

VARIABLE = "WEIGHTOPT_NUM_THREADS"

_threads: int | None = None


def get_num_threads() -> int:
    """Return how many threads a step may use.

    What `set_num_threads` set; else the environment variable ``WEIGHTOPT_NUM_THREADS``; else the
    processors that this process may run on.
    """
    global _threads
    if _threads is None:
        text = os.environ.get(VARIABLE, "")
        if text and not (text.isdecimal() and int(text) > 0):
            raise ValueError(wording(VARIABLE, "an integer >= 1", repr(text)))
        _threads = int(text) if text else _processors()
    return _threads


def set_num_threads(threads: int | None) -> None:
    """Set how many threads a step may use; None restores the default.

    Parameters
    ----------
    threads : int or None
        At least 1.
    """
    global _threads
    if threads is not None and (
        isinstance(threads, bool) or not isinstance(threads, int) or threads < 1
    ):
        raise ValueError(wording("threads", "None or an integer >= 1", repr(threads)))
    _threads = threads


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
