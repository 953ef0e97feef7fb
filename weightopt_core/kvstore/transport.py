"""What an engine has to bring: a way from a worker to the servers, which may lose messages."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from .messages import Reply, Request


class Transport(Protocol):
    """Messages from one worker to servers and back.

    A request may reach its server late, twice, or not at all, and in another order than it was
    sent; so may a reply. A server may die at any time, with or without having done what it was
    asked for, and come back from its checkpoint.
    """

    num_servers: int

    def keep(self, buffer: np.ndarray) -> Any:
        """Return what stands for a copy of `buffer`, to be sent, maybe more than once."""

    def send(self, server: int, request: Request, payload: Any = None) -> int:
        """Send a request, with what `keep` returned; return a number of it."""

    def receive(self, timeout: float) -> tuple[int, Reply | None] | None:
        """Return the number of a request with its reply, or None after `timeout` seconds.

        The reply is None where the engine knows that there will be none.
        """

    def now(self) -> float:
        """Return the time in seconds."""

    def name(self, server: int) -> str:
        """Return a server in words, for messages."""
