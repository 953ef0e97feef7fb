"""Requests to actors: a `weightopt_core.kvstore.transport.Transport`."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from weightopt_core.kvstore.messages import REFUSED, Reply, Request

#: From so many bytes on a buffer is put into the object store once, however often it is sent.
_LARGE = 100_000


class RayTransport:
    """The way of one worker to actors.

    Parameters
    ----------
    actors : list
        Handles of `weightopt_ray.server.ServerActor`.
    """

    def __init__(self, actors: Sequence[Any]):
        self.num_servers = len(actors)
        self._actors = actors
        self._tickets = itertools.count()
        self._open: dict[Any, int] = {}

    def keep(self, buffer: np.ndarray) -> Any:
        """Return what stands for a copy of `buffer`."""
        return ray.put(buffer) if buffer.nbytes >= _LARGE else buffer.copy()

    def send(self, server: int, request: Request, payload: Any = None) -> int:
        """Send a request; return a number of it."""
        ticket = next(self._tickets)
        self._open[self._actors[server].handle.remote(tuple(request), payload)] = ticket
        return ticket

    def receive(self, timeout: float) -> tuple[int, Reply | None] | None:
        """Return the number of a request with its reply, or None after a time."""
        if not self._open:
            time.sleep(timeout)
            return None
        ready, _ = ray.wait([*self._open], num_returns=1, timeout=timeout)
        if not ready:
            return None
        ticket = self._open.pop(ready[0])
        try:
            return ticket, ray.get(ready[0])
        except RayActorError:  # it died, or is about to come back
            return ticket, None
        except RayTaskError as error:  # a fault, which would come again
            return ticket, Reply(REFUSED, (type(error.cause).__name__, str(error)))
        except RayError:  # an object was lost with its machine
            return ticket, None

    def now(self) -> float:
        """Return the time in seconds."""
        return time.monotonic()

    def name(self, server: int) -> str:
        """Return a server in words."""
        return f"server {server}"
