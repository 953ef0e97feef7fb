"""One worker's side of one server: which pushes it has made, which it keeps, and what to send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from .messages import DONE, REFUSED, STALE, Account, Reply, Request


class Kept(NamedTuple):
    """A push that may have to be sent again."""

    content: Any
    payload: Any
    size: int


class Link:
    """The pushes of one worker to one server.

    Parameters
    ----------
    rank : int
        The worker.
    generation : int
        Which process of this rank it is.
    number : int
        How many pushes earlier processes have made.
    durable : bool
        Whether a push is kept until the server has saved it, and not only until it is taken.

    Attributes
    ----------
    session : tuple or None
        What the server answered to hello; None where it has to be said, again or for the first
        time.
    is_open : bool
        Whether hello was said at some time.
    lost : set of int
        Numbers of pushes that will never be applied.
    failures : dict of int to (str, str)
        Those that could not be applied, and why.
    """

    def __init__(self, rank: int, generation: int, number: int, durable: bool):
        self.rank, self.generation, self.number = rank, generation, number
        self.begin, self.is_durable = number, durable
        self.kept: dict[int, Kept] = {}
        self.session: Any = None
        self.is_open = False
        self.seen = self.durable = number
        self.lost: set[int] = set()
        self.failures: dict[int, tuple[str, str]] = {}
        #: The next push to send, those whose answer is not there, and whether one was out of order.
        self._next = number + 1
        self._flying: set[int] = set()
        self._is_greeting = self._is_behind = self._is_asking = False
        self._heard = 0.0

    @property
    def size(self) -> int:
        """The bytes that are kept."""
        return sum(one.size for one in self.kept.values())

    @property
    def is_drained(self) -> bool:
        """Whether the server has taken every push."""
        return self.session is not None and self.seen >= self.number

    @property
    def is_saved(self) -> bool:
        """Whether every push is in the server's checkpoint."""
        return self.is_drained and self.durable >= self.number

    def push(self, content: Any, payload: Any, size: int) -> None:
        """Make one more push."""
        self.number += 1
        self.kept[self.number] = Kept(content, payload, size)

    def due(self, now: float, silence: float) -> Iterator[tuple[Request, Any]]:
        """Yield what is to be sent at present.

        A server that has died may know nothing of pushes that it had taken, and others may wait for
        them; so after `silence` seconds it is asked.
        """
        if self.session is None:
            if not self._is_greeting:
                self._is_greeting = True
                first = min(self.kept, default=self.number + 1)
                yield Request("hello", self.rank, (self.generation, first)), None
            return
        if self._is_behind and not self._flying:
            self._is_behind, self._next = False, self.seen + 1
        while self._next <= self.number and not self._is_behind:
            kept, number = self.kept[self._next], self._next
            self._flying.add(number)
            self._next += 1
            yield Request("push", self.rank, kept.content, self.session, number), kept.payload
        if not self._flying and not self._is_asking and now - self._heard > silence:
            self._is_asking = True
            yield Request("account", self.rank, (), self.session), None

    def take(self, request: Request, reply: Reply, now: float) -> None:
        """Take the answer to what `due` has yielded."""
        self._heard = now
        if reply.kind == STALE:
            self.lose()
        elif reply.kind == REFUSED:
            self.lose()
            raise RuntimeError(reply.content[1])
        elif request.kind == "hello":
            self._is_greeting, self.is_open = False, True
            self.session, account, *_ = reply.content
            self.seen = account.seen
            self.account(account)
            self._next = self.seen + 1
        elif request.kind == "account":
            self._is_asking = False
            self.account(reply.content)
        elif reply.kind == DONE:
            self._flying.discard(request.number)
            self.account(reply.content)
            self._is_behind |= reply.content.seen < request.number

    def lose(self) -> None:
        """Begin anew with hello: an answer will not come, or the server is another one."""
        self.session = None
        self._flying.clear()
        self._is_greeting = self._is_behind = self._is_asking = False

    def account(self, account: Account) -> None:
        """Take what the server says of the pushes; what need not be sent again is let go."""
        self.seen = max(self.seen, account.seen)
        self.durable = max(self.durable, account.durable)
        for first, last in account.lost:
            self.lost.update(range(max(first, self.begin + 1), last + 1))
        for number, kind, text in account.failures:
            if number > self.begin:
                self.failures.setdefault(number, (kind, text))
        until = self.durable if self.is_durable else self.seen
        for number in [number for number in self.kept if number <= until]:
            del self.kept[number]
