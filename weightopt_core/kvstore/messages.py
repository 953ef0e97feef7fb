"""What workers and servers say to each other: plain data, and one buffer of arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

#: What a server answers: it is done, there is something to wait for, the sender has to say hello
#: first, keys are taken apart in another way, or it is refused.
DONE, WAIT, STALE, MOVED, REFUSED = ("done", "wait", "stale", "moved", "refused")


class Request(NamedTuple):
    """What a worker asks of a server.

    Attributes
    ----------
    kind : str
        Its name, which is that of a method of `Server`.
    rank : int or None
        The worker.
    content : tuple
        Plain data, whatever the kind needs.
    session : tuple or None
        What the server answered to hello, for what has to come after the worker's pushes.
    number : int
        Of a push: how many of this worker to this server it is, from 1.
    """

    kind: str
    rank: int | None
    content: Any = ()
    session: Any = None
    number: int = 0


class Reply(NamedTuple):
    """What a server answers.

    Attributes
    ----------
    kind : str
        One of `DONE`, `WAIT`, `STALE`, `MOVED`, `REFUSED`.
    content : object
        Plain data.
    payload : numpy.ndarray or None
        Arrays, packed.
    """

    kind: str
    content: Any = None
    payload: np.ndarray | None = None


class Account(NamedTuple):
    """How far a server is with the pushes of one worker.

    Attributes
    ----------
    seen : int
        The number up to which it has taken them.
    durable : int
        The number up to which they are in its checkpoint.
    lost : tuple of (int, int)
        First and last numbers of those that it will never apply.
    failures : tuple of (int, str, str)
        Numbers of those that could not be applied, with the class of the error and its text.
    """

    seen: int
    durable: int
    lost: tuple[tuple[int, int], ...]
    failures: tuple[tuple[int, str, str], ...]
