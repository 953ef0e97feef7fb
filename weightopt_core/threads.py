"""How many threads a step may use."""

from __future__ import annotations

import operator
import os
import re
from typing import Any

from .errors import wording
from .kernels import parallel

VARIABLE = "WEIGHTOPT_NUM_THREADS"
#: Of the variable: ASCII digits alone, as int() takes many more spellings of a number.
_DIGITS = re.compile("0*[1-9][0-9]{0,99}")

_given: int | None = None
_has_read = False


def get_num_threads() -> int:
    """Return how many threads a step may use.

    It is what `set_num_threads` set; else the environment variable ``WEIGHTOPT_NUM_THREADS``, which
    is read when it is first needed; else the number of processors that the calling thread may run
    on, which the system is asked for each time. It is 256 at most, because the pool of threads has
    no more.

    Returns
    -------
    int
        From 1 to 256.

    Raises
    ------
    ValueError
        The variable is something else than a number of at least 1.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> wo.set_num_threads(1000)
    >>> wo.get_num_threads()
    256
    >>> wo.set_num_threads(None)
    """
    global _given, _has_read
    if _given is None and not _has_read:
        _given = _variable()
        _has_read = True
    threads = _processors() if _given is None else _given
    return min(threads, parallel.MAX_THREADS)


def set_num_threads(threads: int | None) -> None:
    """Set how many threads a step may use; None restores the default.

    Parameters
    ----------
    threads : int or None
        At least 1. More than 256 count as 256.

    Raises
    ------
    ValueError
        `threads` is something else; the number stays as it was.
    """
    global _given, _has_read
    if threads is not None:
        threads = _positive(threads)
    _given, _has_read = threads, False


def use_openmp(path: str | os.PathLike[str] | None) -> None:
    """Let steps run on the threads of an OpenMP library, instead of threads of their own.

    Threads of OpenMP spin for some milliseconds after each of their loops, and take the processors
    from a step that follows. Where a process computes gradients by such loops, its steps are
    faster on the same threads. The results have the same bits.

    Parameters
    ----------
    path : str, path or None
        The file of GNU's or LLVM's library, which the process must have loaded; None restores steps
        on threads of their own. A forked child begins with those.

    Raises
    ------
    ValueError
        The process has not loaded such a library from there; nothing has changed.

    Notes
    -----
    A step takes at most `get_num_threads` threads, and at most as many as OpenMP is set to.
    """
    encoded = None if path is None else os.fsencode(path)
    # The loader takes "" for the program itself.
    is_no_path = encoded is not None and (not encoded or b"\0" in encoded)
    if is_no_path or not parallel.use_team(encoded):
        expected = "the path of an OpenMP library that is loaded"
        raise ValueError(wording("path", expected, repr(path), "import what brings it first"))


def _positive(threads: Any) -> int:
    try:
        number = 0 if isinstance(threads, bool) else operator.index(threads)
    except TypeError:
        number = 0
    if number < 1:
        raise ValueError(wording("threads", "None or an integer >= 1", repr(threads)))
    return number


def _variable() -> int | None:
    text = os.environ.get(VARIABLE, "")
    if text and not _DIGITS.fullmatch(text):
        raise ValueError(wording(VARIABLE, "an integer >= 1", repr(text)))
    return int(text) if text else None


def _processors() -> int:
    return parallel.processors() or os.cpu_count() or 1
