"""What a worker and the servers say to each other, until it is answered."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ..errors import PluginError
from .link import Link
from .messages import DONE, MOVED, REFUSED, STALE, WAIT, Reply, Request
from .transport import Transport

#: Seconds before something is asked again, at first and at most.
_PAUSE, _LONGEST = 0.0005, 0.1
#: Seconds after which who waits asks all servers whether they still know its pushes.
_SILENCE = 1.0


class Ask(NamedTuple):
    """A question to a server.

    Attributes
    ----------
    kind, content, payload
        As of a `Request`.
    is_ordered : bool
        Whether it comes after all pushes of this worker.
    number : int
        As of a `Request`.
    """

    kind: str
    content: Any = ()
    payload: Any = None
    is_ordered: bool = False
    number: int = 0


class MovedError(Exception):
    """Keys are taken apart in another way than the worker knew."""

    def __init__(self, layout: str):
        super().__init__(layout)
        self.layout = layout


class _Sent(NamedTuple):
    server: int
    request: Request
    time: float
    is_question: bool


class Conversation:
    """Requests and their answers, with a link to each server that is pushed to.

    Parameters
    ----------
    transport : Transport
        The way to the servers.
    rank : int or None
        The worker.
    timeout : float
        Seconds after which what does not go on is an error.
    patience : float
        Seconds after which a request without an answer is taken for lost.

    Attributes
    ----------
    links : dict of int to Link
        By server.
    """

    def __init__(self, transport: Transport, rank: int | None, timeout: float, patience: float):
        self.transport, self.rank = transport, rank
        self.timeout, self.patience = timeout, patience
        self._silence = min(patience / 2, _SILENCE)
        self.links: dict[int, Link] = {}
        self._sent: dict[int, _Sent] = {}
        #: By server, when it may be asked again, and how long the next pause is.
        self._after: dict[int, float] = {}
        self._pause: dict[int, float] = {}

    def ask(self, asks: Mapping[int, Ask], what: str) -> dict[int, Reply]:
        """Return the answers of servers to questions.

        Raises
        ------
        TimeoutError
            A server does not answer in time, or what it waits for does not happen.
        MovedError
            The worker has to ask again, and maybe others.
        """
        found: dict[int, Reply] = {}
        waits: dict[int, str] = {}
        open_to: dict[int, int] = {}

        def step() -> bool:
            for server, ask in asks.items():
                if server in found or server in open_to or not self._may(server):
                    continue
                link = self.links.get(server) if ask.is_ordered else None
                if link is None or link.is_drained:
                    session = link and link.session
                    request = Request(ask.kind, self.rank, ask.content, session, ask.number)
                    open_to[server] = self._send(server, request, ask.payload, True)
            ordered = {server for server, ask in asks.items() if ask.is_ordered} - found.keys()
            for sent, reply in self._step(ordered):
                if not sent.is_question:
                    continue
                open_to.pop(sent.server, None)
                if reply is None:
                    continue
                if reply.kind == DONE:
                    found[sent.server] = reply
                elif reply.kind == WAIT:
                    waits[sent.server] = f"{self.transport.name(sent.server)} waits for {reply[1]}"
                    self._rest(sent.server)
                elif reply.kind == MOVED:
                    raise MovedError(reply.content)
                elif reply.kind == REFUSED:
                    raise raised(f"{self.transport.name(sent.server)}: ", *reply.content)
                elif reply.kind == STALE and sent.server in self.links:
                    self._lose(sent.server)
            return len(found) == len(asks)

        def missing() -> str:
            rest = [server for server in asks if server not in found]
            return ", ".join(waits.get(s, f"no answer from {self.transport.name(s)}") for s in rest)

        try:
            self.until(step, what, missing)
        finally:
            for ticket in open_to.values():
                self._sent.pop(ticket, None)
        return found

    def ask_all(self, ask: Ask, what: str) -> dict[int, Reply]:
        """Return the answers of all servers to one question."""
        return self.ask(dict.fromkeys(range(self.transport.num_servers), ask), what)

    def until(self, step: Callable[[], bool], what: str, missing: Callable[[], str]) -> None:
        """Call `step` until it is true, or raise TimeoutError."""
        begin = self.transport.now()
        while not step():
            if self.transport.now() - begin > self.timeout:
                raise TimeoutError(f"{what}: {missing()}, for {self.timeout:g} s")

    def pump(self) -> None:
        """Send what is due, and take all answers that are there; wait for none."""
        while self._step((), wait=False):
            pass

    def wait(self) -> None:
        """Send what is due, and take an answer."""
        self._step(())

    def _step(self, wanted: Iterable[int], wait: bool = True) -> list[tuple[_Sent, Reply | None]]:
        """Send what is due, take an answer, and give up what was lost; return what happened."""
        for server, link in self.links.items():
            if (link.kept or link.is_open or server in wanted) and self._may(server):
                for request, payload in link.due(self.transport.now(), self._silence):
                    self._send(server, request, payload, False)
        happened: list[tuple[_Sent, Reply | None]] = []
        received = self.transport.receive(self._idle() if wait else 0.0)
        if received is not None and received[0] in self._sent:
            happened.append((self._sent.pop(received[0]), received[1]))
        late = self.transport.now() - self.patience
        for ticket in [ticket for ticket, sent in self._sent.items() if sent.time < late]:
            happened.append((self._sent.pop(ticket), None))
        for sent, reply in happened:
            if reply is None:
                self._rest(sent.server)
            elif reply.kind != WAIT:
                self._pause.pop(sent.server, None)
            if not sent.is_question:
                link = self.links[sent.server]
                if reply is None or reply.kind == STALE:
                    self._lose(sent.server)
                else:
                    link.take(sent.request, reply, self.transport.now())
        return happened

    def _send(self, server: int, request: Request, payload: Any, is_question: bool) -> int:
        ticket = self.transport.send(server, request, payload)
        self._sent[ticket] = _Sent(server, request, self.transport.now(), is_question)
        return ticket

    def _lose(self, server: int) -> None:
        """Begin anew with a server; answers to earlier pushes count no longer."""
        self.links[server].lose()
        for ticket, sent in list(self._sent.items()):
            if sent.server == server and not sent.is_question:
                del self._sent[ticket]

    def _may(self, server: int) -> bool:
        return self.transport.now() >= self._after.get(server, 0.0)

    def _rest(self, server: int) -> None:
        """Ask nothing for a while, each time for longer."""
        pause = self._pause.get(server, _PAUSE)
        self._after[server] = self.transport.now() + pause
        self._pause[server] = min(2 * pause, _LONGEST)

    def _idle(self) -> float:
        """Return for how long nothing else is to be done."""
        now = self.transport.now()
        ends = [sent.time + self.patience for sent in self._sent.values()]
        ends += [after for after in self._after.values() if after > now]
        return max(min([*ends, now + _LONGEST]) - now, 1e-6)


def raised(before: str, kind: str, text: str) -> Exception:
    """Return the error that a server had, as one of the same class where that is common."""
    cls = PluginError if kind == "PluginError" else getattr(builtins, kind, RuntimeError)
    known = isinstance(cls, type) and issubclass(cls, Exception)
    return cls(before + text) if known else RuntimeError(f"{before}{kind}: {text}")
