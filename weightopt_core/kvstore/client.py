"""A store whose weights are on servers: the worker's side, over any transport."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import wording
from ..optimizer import Optimizer, Updater
from .base import KVStore, Report
from .conversation import Ask, Conversation
from .directory import Directory
from .given import Key
from .messages import Reply
from .packing import pack, unpack
from .pushes import Pushes
from .specification import specified

if TYPE_CHECKING:
    from .transport import Transport


class Client(KVStore):
    """A store on servers.

    Parameters
    ----------
    transport : Transport
        The way to the servers.
    rank : int or None
        The number of this worker; None for who initializes, pulls and saves, and does not push.
    num_workers : int
        How many workers push.
    durable : bool
        Whether a push is kept until its server has saved it, so that none is ever lost.
    keeps_pulled : bool
        Whether the servers note which weights each worker has pulled.
    window : int
        How many pushes to one server may be kept at a time; the next one waits.
    window_bytes : int
        How many bytes of them may be kept, of all servers; a larger one waits for all others.
    timeout : float
        Seconds after which what does not go on is a TimeoutError.
    patience : float
        Seconds after which a request without an answer is sent again.
    """

    def __init__(
        self,
        transport: Transport,
        rank: int | None = 0,
        num_workers: int = 1,
        durable: bool = False,
        keeps_pulled: bool = False,
        window: int = 8,
        window_bytes: int = 1 << 30,
        timeout: float = 300.0,
        patience: float = 60.0,
    ):
        self._rank, self._num_workers = rank, num_workers
        self._keeps_pulled, self._transport = keeps_pulled, transport
        self._talk = Conversation(transport, rank, timeout, patience)
        self._directory = Directory(self._talk)
        self._pushes = Pushes(self._talk, durable, window, window_bytes)
        self._versions: dict[tuple[int, Key], int] = {}
        self._count = 0
        self._name = secrets.token_hex(8)

    @property
    def rank(self) -> int | None:
        """The number of this worker, from 0; None for who only looks on."""
        return self._rank

    @property
    def num_workers(self) -> int:
        """How many workers push to the store."""
        return self._num_workers

    def set_optimizer(self, optimizer: Optimizer | str) -> None:
        """Let an optimizer update the weights; see `KVStore.set_optimizer`."""
        given, known = specified(optimizer), self._directory
        if self._rank:
            replies = self._talk.ask_all(Ask("expect", (given.text,)), "set_optimizer")
            known.layout = replies[0].content
            return
        self._pushes.drain("set_optimizer")
        replies = self._talk.ask_all(Ask("resolve", (given,)), "set_optimizer")
        layout = replies[0].content
        present, token = known.learn(), self._token()
        if all(known.parts(key, layout) == known.parts(key, present) for key in known.forms):
            self._talk.ask_all(Ask("optimizer", (given, token)), "set_optimizer")
        else:
            weights = dict(zip(known.forms, self._pull([*known.forms])))
            asks = {}
            for server, (keys, arrays, forms) in known.by_server(weights, layout).items():
                content = (given, layout, keys, forms, token)
                asks[server] = Ask("replace", content, self._transport.keep(pack(arrays)))
            self._talk.ask(asks, "set_optimizer")
        known.layout = layout

    def barrier(self) -> None:
        """Return once all workers have called it as often as this one.

        All pushes of this worker are then taken, and with ``durable=True`` saved.
        """
        self._pushes.join()
        self._pushes.drain("barrier")
        self._pushes.save("barrier")
        self._pushes.barriers += 1
        replies = self._talk.ask({0: Ask("barrier", (self._pushes.barriers,))}, "barrier")
        self._directory.layout = replies[0].content
        self._pushes.raise_failures()

    def save(self, path: Any) -> None:
        """Write weights, optimizer, states and counts into one file; see `KVStore.save`."""
        self._pushes.drain("save")
        replies = self._talk.ask_all(Ask("dump"), "save")
        found = {str(server): _payload(reply) for server, reply in replies.items()}
        Updater(Optimizer()).save(path, weights=found)

    def load(self, path: Any) -> None:
        """Take over all that `save` wrote, by as many servers."""
        found = Updater(Optimizer()).load(path, strict=False)
        count = self._transport.num_servers
        if found.keys() != set(map(str, range(count))):
            expected = f"a file from KVStore.save of {count} servers"
            raise ValueError(wording(str(path), expected, "another one"))
        self._pushes.drain("load")
        payloads = {server: self._transport.keep(found[str(server)]) for server in range(count)}
        token = self._token()
        asks = {server: Ask("load", (token,), payload) for server, payload in payloads.items()}
        self._talk.ask(asks, "load")
        self._directory.learn()

    def report(self) -> Report:
        """Return what became of the pushes: how many were lost, and how late gradients were."""
        made, lost = self._pushes.count()
        staleness: Counter[int] = Counter()
        for reply in self._talk.ask_all(Ask("report"), "report").values():
            staleness.update(reply.content)
        return Report(made, lost, dict(sorted(staleness.items())))

    def _form(self, key: Key) -> tuple[tuple[int, ...], np.dtype[Any]]:
        return self._directory.form(key)

    def _init(self, keys: list[Key], arrays: list[np.ndarray]) -> None:
        weights = dict(zip(keys, arrays))
        token = self._token()

        def check(layout: str) -> dict[int, Ask]:
            kind = "declare" if self._rank else "init"
            return {
                server: Ask(kind, (own, forms, layout, token))
                for server, (own, _, forms) in self._directory.by_server(weights, layout).items()
                if own
            }

        def take(layout: str) -> dict[int, Ask]:
            return {
                server: Ask("init", (own, forms, layout, token), self._transport.keep(pack(values)))
                for server, (own, values, forms) in self._directory.by_server(
                    weights, layout
                ).items()
                if own
            }

        self._directory.ask(check, "init")
        if not self._rank:
            self._directory.ask(take, "init")
        forms = {key: (array.shape, array.dtype) for key, array in weights.items()}
        self._directory.forms.update(forms)

    def _push(self, keys: list[Key], arrays: list[np.ndarray]) -> None:
        self._pushes.raise_failures()
        self._pushes.join()
        layout = self._directory.known_layout()
        parts_of = self._directory.by_server(dict(zip(keys, arrays)), layout)
        buffers = {server: pack(values) for server, (own, values, _) in parts_of.items() if own}
        sizes = {server: buffer.nbytes for server, buffer in buffers.items()}
        self._pushes.make_room(sizes)
        # All is ready before the first is made: a push is to all of its servers, or to none.
        kept = {server: self._transport.keep(buffer) for server, buffer in buffers.items()}
        contents = {}
        for server in buffers:
            own = parts_of[server][0]
            contents[server] = own, layout, [self._versions.get((server, key), 0) for key in own]
        self._pushes.make(contents, kept, sizes)

    def _pull(self, keys: Sequence[Key]) -> list[np.ndarray]:
        self._pushes.raise_failures()
        if self._keeps_pulled and self._rank is not None:
            self._pushes.join()
        wanted = {key: np.empty(*self._form(key)) for key in keys}
        self._count += 1

        def asks(layout: str) -> dict[int, Ask]:
            return {
                server: Ask("pull", (own, layout), is_ordered=True, number=self._count)
                for server, (own, _, _) in self._directory.by_server(wanted, layout).items()
                if own
            }

        replies = self._directory.ask(asks, "pull")
        parts_of = self._directory.by_server(wanted, self._directory.known_layout())
        for server, reply in replies.items():
            own, targets, _ = parts_of[server]
            account, versions = reply.content
            if account is not None:
                self._talk.links[server].account(account)
            self._versions.update(((server, key), v) for key, v in zip(own, versions))
            forms = [(target.shape, target.dtype) for target in targets]
            for target, values in zip(targets, unpack(_payload(reply), forms)):
                target[...] = values
        self._pushes.raise_failures()
        # A key that is asked for twice has two arrays.
        return [
            wanted[key] if keys.index(key) == i else wanted[key].copy()
            for i, key in enumerate(keys)
        ]

    def _token(self) -> tuple[str, int]:
        """Return what tells one change that is asked for from another, and from itself again."""
        self._count += 1
        return self._name, self._count


def _payload(reply: Reply) -> np.ndarray:
    if reply.payload is None:
        raise RuntimeError("an answer without weights")
    return reply.payload
