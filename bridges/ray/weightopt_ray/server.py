"""A server of a store as an actor of Ray: one thread, so that requests keep their order."""

from __future__ import annotations

import os
import secrets
import socket
from typing import Any

import ray

from weightopt_core.kvstore.messages import REFUSED, Reply, Request
from weightopt_core.kvstore.server import Server


class ServerActor:
    """An actor that answers requests.

    After its death Ray runs ``__init__`` again, in another process and maybe on another machine.

    Parameters
    ----------
    settings : dict
        The arguments of `weightopt_core.kvstore.server.Server`.
    """

    def __init__(self, settings: dict[str, Any]):
        begins = not ray.get_runtime_context().was_current_actor_reconstructed
        self._server: Server | None = None
        try:
            self._server = Server(incarnation=secrets.token_hex(8), begins=begins, **settings)
        except Exception as error:
            # Ray would only tell that it is not there.
            self._fault = type(error).__name__, f"it cannot begin: {error}"

    def handle(self, request: tuple[Any, ...], payload: Any = None) -> Reply:
        """Return the answer to a request."""
        if self._server is None:
            reply = Reply(REFUSED, self._fault)
        else:
            reply = self._server.handle(Request(*request), payload)
        if reply.kind == REFUSED:
            kind, text = reply.content
            place = f"on {socket.gethostname()}, process {os.getpid()}"
            return Reply(REFUSED, (kind, f"{place}: {text}"))
        return reply

    def place(self) -> tuple[str, int]:
        """Return the name that Ray has for its machine, and the number of its process."""
        return ray.get_runtime_context().get_node_id(), os.getpid()
