"""The pushes of a worker to all servers: how many are kept, and what became of them."""

from __future__ import annotations

from typing import Any

from ..errors import wording
from .conversation import Ask, Conversation, raised
from .link import Link
from .messages import Reply


class Pushes:
    """Links to all servers, once the worker has joined.

    Parameters
    ----------
    talk : Conversation
        The way to the servers; it has the links.
    durable : bool
        Whether a push is kept until its server has saved it.
    window : int
        How many pushes to one server may be kept at a time; the next one waits.
    window_bytes : int
        How many bytes of them may be kept, of all servers; a larger one waits for all others.

    Attributes
    ----------
    barriers : int
        How many barriers this rank has come to.
    """

    def __init__(self, talk: Conversation, durable: bool, window: int, window_bytes: int):
        self._talk, self._durable = talk, durable
        self._window, self._window_bytes = window, window_bytes
        self._told: set[tuple[int, int]] = set()
        self.barriers = 0

    def join(self) -> None:
        """Take the place of this rank, with the number of pushes that it had."""
        talk = self._talk
        if talk.rank is None:
            remedy = "push and pass barriers from a store of one of the workers"
            raise ValueError(wording("rank", "a number", "None", remedy))
        if talk.links:
            return
        replies = talk.ask_all(Ask("join"), "kvstore")
        generation = 1 + max(reply.content[0] for reply in replies.values())
        self.barriers = replies[0].content[1]
        for server, reply in replies.items():
            talk.links[server] = Link(talk.rank, generation, reply.content[2], self._durable)

    def make(
        self, contents: dict[int, Any], payloads: dict[int, Any], sizes: dict[int, int]
    ) -> None:
        """Make one push to each server that there is a content for."""
        for server, content in contents.items():
            self._talk.links[server].push(content, payloads[server], sizes[server])
        self._talk.pump()

    def drain(self, what: str) -> None:
        """Return once servers have taken all pushes."""
        links = self._talk.links.values()

        def step() -> bool:
            if all(not link.kept or link.is_drained for link in links):
                return True
            self._talk.wait()
            return False

        self._talk.until(step, what, lambda: "pushes are not taken")
        self.raise_failures()

    def make_room(self, sizes: dict[int, int]) -> None:
        """Wait until one more push of so many bytes to each server may be kept."""
        links = self._talk.links

        def step() -> bool:
            kept = sum(link.size for link in links.values())
            has_room = not kept or kept + sum(sizes.values()) <= self._window_bytes
            if has_room and all(len(links[server].kept) < self._window for server in sizes):
                return True
            full = [server for server, link in links.items() if link.kept]
            if self._durable and all(links[server].is_drained for server in full):
                self._save(full, "push")
            else:
                self._talk.wait()
            return False

        self._talk.until(step, "push", lambda: "earlier pushes are not taken")

    def save(self, what: str) -> None:
        """With ``durable=True``, return once servers have saved all pushes."""
        if self._durable:
            late = [server for server, link in self._talk.links.items() if not link.is_saved]
            self._save(late, what)

    def _save(self, servers: list[int], what: str) -> None:
        asks = dict.fromkeys(servers, Ask("checkpoint", is_ordered=True))
        self.take_accounts(self._talk.ask(asks, what))

    def take_accounts(self, replies: dict[int, Reply]) -> None:
        """Take what servers say of the pushes."""
        for server, reply in replies.items():
            self._talk.links[server].account(reply.content)

    def count(self) -> tuple[int, int]:
        """Return how many pushes were made, one for each server, and how many of them are lost."""
        links = self._talk.links
        pushed = [server for server, link in links.items() if link.number > link.begin]
        self._talk.ask(dict.fromkeys(pushed, Ask("account", is_ordered=True)), "report")
        made = sum(link.number - link.begin for link in links.values())
        return made, sum(len(link.lost) for link in links.values())

    def raise_failures(self) -> None:
        """Raise the first error of a push that was not told yet."""
        for server, link in self._talk.links.items():
            for number, (kind, text) in link.failures.items():
                if (server, number) not in self._told:
                    self._told.add((server, number))
                    before = f"push {number} to {self._talk.transport.name(server)}: "
                    raise raised(before, kind, text)
