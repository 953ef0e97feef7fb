"""A store whose weights are on servers: the worker's side, over any transport."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dtypes import dtype_of
from ..errors import wording
from ..optimizer import Optimizer, Updater
from .base import KVStore, Report
from .conversation import Ask, Conversation, MovedError, raised
from .given import Key
from .link import Link
from .messages import Reply
from .packing import pack, unpack
from .placing import SLICES, Part, parts
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
        self._durable, self._keeps_pulled = durable, keeps_pulled
        self._window, self._window_bytes = window, window_bytes
        self._transport = transport
        self._talk = Conversation(transport, rank, timeout, patience)
        self._forms: dict[Key, tuple[tuple[int, ...], np.dtype[Any]]] = {}
        self._layout: str | None = None
        self._versions: dict[tuple[int, Key], int] = {}
        self._told: set[tuple[int, int]] = set()
        self._barriers = self._count = 0
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
        given = specified(optimizer)
        if self._rank:
            replies = self._ask_all(Ask("expect", (given.text,)), "set_optimizer")
            self._layout = replies[0].content
            return
        self._drain("set_optimizer")
        replies = self._ask_all(Ask("resolve", (given,)), "set_optimizer")
        layout = replies[0].content
        present, token = self._know_all(), self._token()
        if all(self._parts(key, layout) == self._parts(key, present) for key in self._forms):
            self._ask_all(Ask("optimizer", (given, token)), "set_optimizer")
        else:
            weights = dict(zip(self._forms, self._pull([*self._forms])))
            asks = {}
            for server, (keys, arrays, forms) in self._by_server(weights, layout).items():
                content = (given, layout, keys, forms, token)
                asks[server] = Ask("replace", content, self._transport.keep(pack(arrays)))
            self._talk.ask(asks, "set_optimizer")
        self._layout = layout

    def barrier(self) -> None:
        """Return once all workers have called it as often as this one.

        All pushes of this worker are then taken, and with ``durable=True`` saved.
        """
        self._join()
        self._drain("barrier")
        if self._durable:
            late = [server for server, link in self._talk.links.items() if not link.is_saved]
            self._save_pushes(late, "barrier")
        self._barriers += 1
        replies = self._talk.ask({0: Ask("barrier", (self._barriers,))}, "barrier")
        self._layout = replies[0].content
        self._raise_failures()

    def save(self, path: Any) -> None:
        """Write weights, optimizer, states and counts into one file; see `KVStore.save`."""
        self._drain("save")
        replies = self._ask_all(Ask("dump"), "save")
        found = {str(server): _payload(reply) for server, reply in replies.items()}
        Updater(Optimizer()).save(path, weights=found)

    def load(self, path: Any) -> None:
        """Take over all that `save` wrote, by as many servers."""
        found = Updater(Optimizer()).load(path, strict=False)
        count = self._transport.num_servers
        if found.keys() != set(map(str, range(count))):
            expected = f"a file from KVStore.save of {count} servers"
            raise ValueError(wording(str(path), expected, "another one"))
        self._drain("load")
        payloads = {server: self._transport.keep(found[str(server)]) for server in range(count)}
        token = self._token()
        asks = {server: Ask("load", (token,), payload) for server, payload in payloads.items()}
        self._talk.ask(asks, "load")
        self._layout = None
        self._know_all()

    def report(self) -> Report:
        """Return what became of the pushes: how many were lost, and how late gradients were."""
        links = self._talk.links
        pushed = [server for server, link in links.items() if link.number > link.begin]
        self._talk.ask(dict.fromkeys(pushed, Ask("account", is_ordered=True)), "report")
        staleness: Counter[int] = Counter()
        for reply in self._ask_all(Ask("report"), "report").values():
            staleness.update(reply.content)
        pushes = sum(link.number - link.begin for link in links.values())
        lost = sum(len(link.lost) for link in links.values())
        return Report(pushes, lost, dict(sorted(staleness.items())))

    def _form(self, key: Key) -> tuple[tuple[int, ...], np.dtype[Any]]:
        if key not in self._forms:
            self._know_all()
        return self._forms[key]

    def _init(self, keys: list[Key], arrays: list[np.ndarray]) -> None:
        weights = dict(zip(keys, arrays))
        token = self._token()

        def check(layout: str) -> dict[int, Ask]:
            asks = {}
            for server, (own, _, forms) in self._by_server(weights, layout).items():
                if own:
                    kind = "declare" if self._rank else "init"
                    asks[server] = Ask(kind, (own, forms, layout, token))
            return asks

        def take(layout: str) -> dict[int, Ask]:
            asks = {}
            for server, (own, values, forms) in self._by_server(weights, layout).items():
                if own:
                    payload = self._transport.keep(pack(values))
                    asks[server] = Ask("init", (own, forms, layout, token), payload)
            return asks

        self._by_layout(check, "init")
        if not self._rank:
            self._by_layout(take, "init")
        self._forms.update((key, (array.shape, array.dtype)) for key, array in weights.items())

    def _push(self, keys: list[Key], arrays: list[np.ndarray]) -> None:
        if self._rank is None:
            remedy = "push from a store of one of the workers"
            raise ValueError(wording("rank", "a number", "None", remedy))
        self._raise_failures()
        self._join()
        layout = self._known_layout()
        parts_of = self._by_server(dict(zip(keys, arrays)), layout)
        buffers = {server: pack(values) for server, (own, values, _) in parts_of.items() if own}
        self._make_room({server: buffer.nbytes for server, buffer in buffers.items()})
        # All is ready before the first is made: a push is to all of its servers, or to none.
        kept = {server: self._transport.keep(buffer) for server, buffer in buffers.items()}
        for server, buffer in buffers.items():
            own = parts_of[server][0]
            versions = [self._versions.get((server, key), 0) for key in own]
            content = (own, layout, versions)
            self._talk.links[server].push(content, kept[server], buffer.nbytes)
        self._talk.pump()

    def _pull(self, keys: Sequence[Key]) -> list[np.ndarray]:
        self._raise_failures()
        if self._keeps_pulled and self._rank is not None:
            self._join()
        wanted = {key: np.empty(*self._form(key)) for key in keys}
        self._count += 1

        def asks(layout: str) -> dict[int, Ask]:
            return {
                server: Ask("pull", (own, layout), is_ordered=True, number=self._count)
                for server, (own, _, _) in self._by_server(wanted, layout).items()
                if own
            }

        replies = self._by_layout(asks, "pull")
        for server, (own, targets, _) in self._by_server(wanted, self._known_layout()).items():
            if not own:
                continue
            account, versions = replies[server].content
            if account is not None:
                self._talk.links[server].account(account)
            self._versions.update(((server, key), v) for key, v in zip(own, versions))
            forms = [(target.shape, target.dtype) for target in targets]
            for target, values in zip(targets, unpack(_payload(replies[server]), forms)):
                target[...] = values
        self._raise_failures()
        # A key that is asked for twice has two arrays.
        return [
            wanted[key] if keys.index(key) == i else wanted[key].copy()
            for i, key in enumerate(keys)
        ]

    def _token(self) -> tuple[str, int]:
        """Return what tells one change that is asked for from another, and from itself again."""
        self._count += 1
        return self._name, self._count

    def _parts(self, key: Key, layout: str) -> list[Part]:
        shape, _ = self._forms[key]
        return parts(key, int(np.prod(shape, dtype=object)), layout, self._transport.num_servers)

    def _by_server(self, arrays: dict[Key, np.ndarray], layout: str) -> dict[int, Any]:
        """Return for each server keys, views of their parts, and the forms of these."""
        count = self._transport.num_servers
        found: dict[int, Any] = {server: ([], [], []) for server in range(count)}
        for key, array in arrays.items():
            for part in parts(key, array.size, layout, count):
                keys, values, forms = found[part.server]
                view = array.reshape(-1)[part.begin : part.end] if part.is_slice else array
                keys.append(key)
                values.append(view)
                forms.append((view.shape, view.dtype.name, array.shape))
        return found

    def _by_layout(self, asks: Callable[[str], dict[int, Ask]], what: str) -> dict[int, Reply]:
        """Return the answers to questions that depend on how keys are taken apart."""
        answers: dict[int, Reply] = {}

        def step() -> bool:
            try:
                answers.update(self._talk.ask(asks(self._known_layout()), what))
            except MovedError as error:
                answers.clear()
                self._layout = error.layout
                return False
            return True

        self._talk.until(step, what, lambda: "keys are moved from server to server")
        return answers

    def _known_layout(self) -> str:
        if self._layout is None:
            self._layout = self._talk.ask({0: Ask("forms")}, "kvstore")[0].content[0]
        return self._layout or SLICES

    def _know_all(self) -> str:
        """Learn of all keys; return how they are taken apart."""
        replies = self._ask_all(Ask("forms"), "kvstore")
        for reply in replies.values():
            for key, shape, name in reply.content[1]:
                self._forms[key] = tuple(shape), dtype_of(name)
        self._layout = replies[0].content[0]
        return self._layout or SLICES

    def _ask_all(self, ask: Ask, what: str) -> dict[int, Reply]:
        return self._talk.ask(dict.fromkeys(range(self._transport.num_servers), ask), what)

    def _join(self) -> None:
        """Take the place of this rank, with the number of pushes that it had."""
        if self._rank is None:
            raise ValueError(wording("rank", "a number", "None"))
        if self._talk.links:
            return
        replies = self._ask_all(Ask("join"), "kvstore")
        generation = 1 + max(reply.content[0] for reply in replies.values())
        self._barriers = replies[0].content[1]
        for server, reply in replies.items():
            link = Link(self._rank, generation, reply.content[2], self._durable)
            self._talk.links[server] = link

    def _drain(self, what: str) -> None:
        """Return once servers have taken all pushes."""
        links = self._talk.links.values()

        def step() -> bool:
            if all(not link.kept or link.is_drained for link in links):
                return True
            self._talk.wait()
            return False

        self._talk.until(step, what, lambda: "pushes are not taken")
        self._raise_failures()

    def _make_room(self, sizes: dict[int, int]) -> None:
        """Wait until one more push of so many bytes to each server may be kept."""
        links = self._talk.links

        def step() -> bool:
            kept = sum(link.size for link in links.values())
            has_room = not kept or kept + sum(sizes.values()) <= self._window_bytes
            if has_room and all(len(links[server].kept) < self._window for server in sizes):
                return True
            full = [server for server, link in links.items() if link.kept]
            if self._durable and all(links[server].is_drained for server in full):
                self._save_pushes(full, "push")
            else:
                self._talk.wait()
            return False

        self._talk.until(step, "push", lambda: "earlier pushes are not taken")

    def _save_pushes(self, servers: list[int], what: str) -> None:
        """Have servers save the pushes that this worker keeps for them."""
        asks = dict.fromkeys(servers, Ask("checkpoint", is_ordered=True))
        for server, reply in self._talk.ask(asks, what).items():
            self._talk.links[server].account(reply.content)

    def _raise_failures(self) -> None:
        """Raise the first error of a push that was not told yet."""
        for server, link in self._talk.links.items():
            for number, (kind, text) in link.failures.items():
                if (server, number) not in self._told:
                    self._told.add((server, number))
                    before = f"push {number} to {self._transport.name(server)}: "
                    raise raised(before, kind, text)


def _payload(reply: Reply) -> np.ndarray:
    if reply.payload is None:
        raise RuntimeError("an answer without weights")
    return reply.payload
