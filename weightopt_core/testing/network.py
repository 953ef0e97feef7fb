"""Servers and workers in one process, and a network between them that does what networks do.

Messages get lost, come twice, late, and in another order than they were sent; servers die and come
back from their checkpoints. All of that follows from a seed, in simulated time: one thread runs at
a time, each worker in its own, so that a run repeats itself.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..kvstore.messages import Reply, Request
from ..kvstore.server import Server

#: Makes a server from its number, its incarnation, and whether the job begins.
MakeServer = Callable[[int, str, bool], Server]


@dataclass(frozen=True)
class Faults:
    """What a network does.

    Attributes
    ----------
    lost, repeated, late : float
        How likely it is of a message that it gets lost, comes a second time, or comes late.
    kills : float
        How many servers die in a second of simulated time, in the mean; a request takes about a
        millisecond.
    until : float
        When servers cease to die.
    """

    lost: float = 0.0
    repeated: float = 0.0
    late: float = 0.0
    kills: float = 0.0
    until: float = 0.1


class Network:
    """A network with servers.

    Parameters
    ----------
    make : callable
        Makes a server from its number, its incarnation, and whether the job begins.
    servers : int
        How many there are.
    seed : int
        What happens follows from it.
    faults : Faults
        What may happen.

    Attributes
    ----------
    deaths : int
        How many servers have died.
    """

    def __init__(self, make: MakeServer, servers: int, seed: int, faults: Faults = Faults()):
        self.num_servers, self.time, self.deaths = servers, 0.0, 0
        self._make, self._faults = make, faults
        self._random = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._incarnations = itertools.count(1)
        self._main = threading.Semaphore(0)
        self.servers: list[Server | None] = [None] * servers
        for number in range(servers):
            self.servers[number] = make(number, str(next(self._incarnations)), True)
        if faults.kills:
            self._kill_later()

    def run(self, workers: Sequence[Callable[[Line], Any]]) -> list[Any]:
        """Let each worker run with a line to the servers, and return what they return.

        Where one raises an error, the first such is raised when all have ended.
        """
        lines = [Line(self, worker) for worker in workers]
        for line in lines:
            self.after(0.0, line.wake)
        while not all(line.is_done for line in lines):
            self.time, _, event = heapq.heappop(self._events)
            event()
        for line in lines:
            if line.error is not None:
                raise line.error
        return [line.result for line in lines]

    def after(self, delay: float, event: Callable[[], None]) -> None:
        """Let something happen later."""
        heapq.heappush(self._events, (self.time + delay, next(self._order), event))

    def carry(self, delivered: Callable[[], None]) -> None:
        """Carry a message, or lose it, or carry it twice."""
        faults = self._faults
        if self._random.random() < faults.lost:
            return
        for _ in range(1 + (self._random.random() < faults.repeated)):
            delay = self._random.uniform(0.0005, 0.001)
            if self._random.random() < faults.late:
                delay += self._random.expovariate(100.0)
            self.after(delay, delivered)

    def kill(self, number: int) -> None:
        """Let a server die; another process takes its part after a while."""
        if self.servers[number] is not None:
            self.servers[number] = None
            self.deaths += 1
            self.after(self._random.uniform(0.005, 0.05), lambda: self._revive(number))

    def _revive(self, number: int) -> None:
        self.servers[number] = self._make(number, str(next(self._incarnations)), False)

    def _kill_later(self) -> None:
        delay = self._random.expovariate(self._faults.kills)
        if self.time + delay < self._faults.until:
            self.after(delay, self._kill_one)

    def _kill_one(self) -> None:
        self.kill(self._random.randrange(self.num_servers))
        self._kill_later()


class Line:
    """The way of one worker to the servers: a `weightopt_core.kvstore.transport.Transport`."""

    def __init__(self, network: Network, work: Callable[[Line], Any]):
        self.num_servers = network.num_servers
        self.result: Any = None
        self.error: BaseException | None = None
        self.is_done = False
        self._network, self._work = network, work
        self._tickets = itertools.count()
        self._inbox: deque[tuple[int, Reply | None]] = deque()
        self._baton = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._sleeps = 0
        self._is_waiting = True
        self._thread.start()

    def keep(self, buffer: np.ndarray) -> np.ndarray:
        """Return a copy that cannot be written to, as what comes from another process."""
        kept = buffer.copy()
        kept.flags.writeable = False
        return kept

    def send(self, server: int, request: Request, payload: Any = None) -> int:
        """Send a request; return a number of it."""
        ticket = next(self._tickets)
        self._network.carry(lambda: self._arrive(server, ticket, request, payload))
        return ticket

    def receive(self, timeout: float) -> tuple[int, Reply | None] | None:
        """Return the number of a request with its reply, or None after a time."""
        if not self._inbox:
            self._sleeps += 1
            present = self._sleeps
            self._network.after(timeout, lambda: self._sleeps == present and self.wake())  # type: ignore
            self._is_waiting = True
            self._network._main.release()
            self._baton.acquire()
        return self._inbox.popleft() if self._inbox else None

    def now(self) -> float:
        """Return the simulated time."""
        return self._network.time

    def name(self, server: int) -> str:
        """Return a server in words."""
        return f"server {server}"

    def wake(self) -> None:
        """Let the worker go on until it waits again, or ends."""
        if self._is_waiting and not self.is_done:
            self._is_waiting = False
            self._sleeps += 1
            self._baton.release()
            self._network._main.acquire()

    def _run(self) -> None:
        self._baton.acquire()
        try:
            self.result = self._work(self)
        except BaseException as error:
            self.error = error
        self.is_done = True
        self._network._main.release()

    def _arrive(self, number: int, ticket: int, request: Request, payload: Any) -> None:
        server = self._network.servers[number]
        reply = None if server is None else server.handle(request, payload)
        if reply is not None and reply.payload is not None:
            reply = reply._replace(payload=self.keep(reply.payload))
        incarnation = server and server.incarnation

        def deliver() -> None:
            now = self._network.servers[number]
            has_died = now is None or now.incarnation != incarnation
            # The engine may notice that a server is gone before its last words arrive.
            self._inbox.append((ticket, None if has_died and ticket % 2 else reply))
            self.wake()

        self._network.carry(deliver)
