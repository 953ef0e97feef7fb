"""A server: it answers requests, one after another, and knows no engine.

Each worker numbers its pushes to each server from 1. The server takes a push only if it is the next
one, so that none is taken twice and none out of order. Who has missed something says hello: it
learns up to which number its pushes were taken, and sends the others again, in order. A push names
the incarnation of the server and the generation of the worker that it was meant for and comes
from; with other ones it is stale, and the worker has to say hello.

What is no push is on the disk before it is answered. Pushes are saved every so often; a server that
died goes on from there, and workers send again what they still have. What they do not have is lost,
and counted.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import dtype_of
from ..errors import wording
from .given import Key, summed
from .messages import DONE, MOVED, REFUSED, STALE, WAIT, Reply, Request
from .packing import pack, unpack
from .peer import Peer
from .placing import layout_of
from .shard import Shard
from .specification import Specification

#: Whether the pushes of all workers are summed before an update, or each makes one.
SYNC, ASYNC = MODES = ("dist_sync", "dist_async")
#: Whose update a gradient is compensated for: the last one of its key, or of its worker's pull.
BY_KEY, BY_WORKER = BACKUPS = ("key", "worker")
#: What a request may raise; everything else is a fault, which ends the server.
_REFUSALS = (TypeError, ValueError, LookupError, ArithmeticError, OSError, RuntimeError)


class Server:
    """One of the servers of a store.

    Parameters
    ----------
    num_workers : int
        How many workers push.
    mode : {"dist_sync", "dist_async"}
        Whether an update waits for the gradients of all workers.
    incarnation : str
        Differs each time that a process takes the part of this server.
    path : str, optional
        Where its checkpoint is; one that is there is taken over.
    checkpoint_every : int
        How many pushes are taken between two checkpoints.
    backup : {"key", "worker"}
        For an optimizer that compensates for late gradients: the weight before the last update of
        the key, or the one that the worker has pulled.
    begins : bool
        Whether a job begins, and not only this process of it. What an earlier job has saved is
        gone on from: its keys stay as they are when they are initialized.
    """

    def __init__(
        self,
        num_workers: int,
        mode: str,
        incarnation: str,
        path: str | None = None,
        checkpoint_every: int = 100,
        backup: str = BY_KEY,
        begins: bool = True,
    ):
        self.mode, self.incarnation, self.path = mode, incarnation, path
        self.checkpoint_every, self.backup = checkpoint_every, backup
        self.shard = Shard()
        self.peers = [Peer() for _ in range(num_workers)]
        self.staleness: Counter[int] = Counter()
        #: By number, the pushes of a round by rank; None for one that could not be read.
        self.rounds: dict[int, dict[int, Any]] = {}
        #: By key, who has initialized it, and the shape of all of it.
        self.tokens: dict[Key, Any] = {}
        self.shapes: dict[Key, tuple[int, ...]] = {}
        self._unsaved = 0
        is_saved = path is not None and os.path.exists(path)
        self._is_bereft = not begins and not is_saved
        if is_saved:
            self._take_over(Shard.loaded(path), begins)
        elif begins:
            self._save()

    def handle(self, request: Request, payload: np.ndarray | None = None) -> Reply:
        """Return the answer to a request."""
        answer: Callable[[Request, Any], Reply] = getattr(self, f"on_{request.kind}")
        if self._is_bereft:
            remedy = "create the store with folder=, and begin anew"
            got = "one that died without a checkpoint"
            return Reply(REFUSED, ("RuntimeError", wording("server", "its weights", got, remedy)))
        try:
            return answer(request, payload)
        except _REFUSALS as error:
            return Reply(REFUSED, (type(error).__name__, str(error)))

    # What a worker's pushes need.

    def on_join(self, request: Request, _: Any) -> Reply:
        """Tell a new process of a rank what its predecessors have left."""
        peer = self.peers[request.rank]  # type: ignore[index]
        return Reply(DONE, (peer.generation, peer.barrier, peer.seen))

    def on_hello(self, request: Request, _: Any) -> Reply:
        """Begin a session; pushes below the first that the worker still has are lost."""
        generation, first = request.content
        peer = self.peers[request.rank]  # type: ignore[index]
        if generation < peer.generation:
            got = "an earlier one, whose place another process has taken"
            raise RuntimeError(wording(f"worker {request.rank}", "the latest process", got))
        peer.generation = generation
        peer.lose(peer.seen + 1, first - 1)
        peer.seen = max(peer.seen, first - 1)
        if self.mode == ASYNC:
            peer.applied = peer.seen
        self._finish_rounds()
        session = (self.incarnation, generation)
        return Reply(DONE, (session, peer.account(), self.shard.layout, len(self.shard.weights)))

    def on_push(self, request: Request, payload: Any) -> Reply:
        """Take gradients if they are the next ones of their worker."""
        peer = self._peer(request)
        if peer is None:
            return Reply(STALE)
        if request.number == peer.seen + 1:
            peer.seen += 1
            self._unsaved += 1
            try:
                given = self._read(request, payload)
            except _REFUSALS as error:
                peer.fail(request.number, error)
                given = None
            if self.mode == SYNC:
                self.rounds.setdefault(request.number, {})[request.rank] = given  # type: ignore
                self._finish_rounds()
            else:
                self._apply(peer, request, given)
            if self.path is not None and self._unsaved >= self.checkpoint_every:
                self._checkpoint()
        return Reply(DONE, peer.account())

    def on_pull(self, request: Request, _: Any) -> Reply:
        """Return weights, once all that the worker has pushed is in them."""
        peer = self._peer(request) if request.session else None
        if request.session:
            if peer is None:
                return Reply(STALE)
            if peer.applied < peer.seen:
                return Reply(WAIT, self._missing())
        keys, layout = request.content
        if layout != self.shard.layout:
            return Reply(MOVED, self.shard.layout)
        weights = self.shard.weights_of(keys)
        versions = [self.shard.versions[key] for key in keys]
        if peer is not None and self.backup == BY_WORKER and request.number > peer.pulls:
            peer.pulls = request.number
            pairs = zip(versions, (weight.copy() for weight in weights))
            peer.pulled.update(zip(keys, pairs))
        account = None if peer is None else peer.account()
        return Reply(DONE, (account, versions), pack(weights))

    # What is no push: saved before it is answered, and the same when it is asked for again.

    def on_init(self, request: Request, payload: Any) -> Reply:
        """Take first weights; without them, tell whether they would be taken.

        What was restored from an earlier job stays as it is.
        """
        keys, forms, layout, token = request.content
        if layout != self.shard.layout:
            return Reply(MOVED, self.shard.layout)
        here = self.shard.weights
        known = [key for key in keys if key in here and self.tokens[key] in (None, token)]
        self._check_forms(keys, forms, known)
        self.shard.check_new([key for key in keys if key not in known])
        if payload is not None:
            arrays = unpack(payload, [_form(form) for form in forms])
            given = zip(keys, arrays, forms)
            new = {key: (array, form[2]) for key, array, form in given if key not in known}
            self.shard.init([*new], [array for array, _ in new.values()])
            self.shapes.update((key, tuple(shape)) for key, (_, shape) in new.items())
            self.tokens.update(dict.fromkeys(keys, token))
            self._save()
        return Reply(DONE)

    def on_declare(self, request: Request, _: Any) -> Reply:
        """Compare what a worker expects of keys, once they are there."""
        keys, forms, layout, _ = request.content
        if layout != self.shard.layout:
            return Reply(MOVED, self.shard.layout)
        if any(key not in self.shard.weights for key in keys):
            return Reply(WAIT, "init() of worker 0")
        self._check_forms(keys, forms, keys)
        return Reply(DONE)

    def on_resolve(self, request: Request, _: Any) -> Reply:
        """Return how far keys may be taken apart for an optimizer, if it can be made here."""
        optimizer = Specification(*request.content[0]).create()
        if self.backup == BY_WORKER and optimizer.pulled_state is None:
            expected = "one that keeps the weight which a gradient was computed at"
            remedy = 'create the store with backup="key"'
            raise ValueError(wording("optimizer", expected, type(optimizer).__name__, remedy))
        return Reply(DONE, layout_of(optimizer))

    def on_optimizer(self, request: Request, _: Any) -> Reply:
        """Let an optimizer update the weights."""
        self.shard.set_optimizer(Specification(*request.content[0]))
        self._save()
        return Reply(DONE, self.shard.layout)

    def on_expect(self, request: Request, _: Any) -> Reply:
        """Tell whether an optimizer is in use."""
        known = self.shard.specification
        if known is None or known.text != request.content[0]:
            return Reply(WAIT, "set_optimizer() of worker 0 with the same optimizer")
        return Reply(DONE, self.shard.layout)

    def on_replace(self, request: Request, payload: Any) -> Reply:
        """Take other parts of keys, for another layout; states and counts begin anew."""
        specification, layout, keys, forms = request.content
        shard = Shard()
        shard.init(keys, unpack(payload, [_form(form) for form in forms]))
        shard.set_optimizer(Specification(*specification))
        shard.layout = layout
        self._become(shard, {key: tuple(form[2]) for key, form in zip(keys, forms)})
        return Reply(DONE)

    def on_barrier(self, request: Request, _: Any) -> Reply:
        """Tell whether all workers have come as far."""
        (number,) = request.content
        peer = self.peers[request.rank]  # type: ignore[index]
        if peer.barrier < number:
            peer.barrier = number
            if not self._late(number):
                self._save()
        late = self._late(number)
        return Reply(WAIT, _workers(late)) if late else Reply(DONE, self.shard.layout)

    def on_checkpoint(self, request: Request, _: Any) -> Reply:
        """Save all pushes of a worker."""
        peer = self._peer(request)
        if peer is None:
            return Reply(STALE)
        if peer.applied < peer.seen:
            return Reply(WAIT, self._missing())
        if peer.durable < peer.applied:
            self._checkpoint()
        return Reply(DONE, peer.account())

    def on_dump(self, request: Request, _: Any) -> Reply:
        """Return all that `load` needs, as bytes."""
        if self.rounds:
            return Reply(WAIT, self._missing())
        rest = {"shapes": list(self.shapes.items())}
        return Reply(DONE, None, np.frombuffer(self.shard.dump(rest), np.uint8))

    def on_load(self, request: Request, payload: Any) -> Reply:
        """Take over what `on_dump` returned."""
        if self.rounds:
            return Reply(WAIT, self._missing())
        shard = Shard.from_bytes(payload.tobytes())
        self._become(shard, {key: tuple(shape) for key, shape in shard.rest["shapes"]})
        return Reply(DONE)

    def on_forms(self, request: Request, _: Any) -> Reply:
        """Return shape and dtype of all that is here."""
        return Reply(DONE, (self.shard.layout, self._forms()))

    def on_account(self, request: Request, _: Any) -> Reply:
        """Return how far this is with the pushes of a worker."""
        peer = self._peer(request)
        return Reply(STALE) if peer is None else Reply(DONE, peer.account())

    def on_report(self, request: Request, _: Any) -> Reply:
        """Return how late gradients were."""
        return Reply(DONE, dict(self.staleness))

    def _peer(self, request: Request) -> Peer | None:
        """Return the worker of a request, or None where its session is another one."""
        peer = self.peers[request.rank]  # type: ignore[index]
        session = request.session and tuple(request.session)
        return peer if session == (self.incarnation, peer.generation) else None

    def _read(self, request: Request, payload: Any) -> Any:
        keys, layout, versions = request.content
        if layout != self.shard.layout:
            remedy = "call set_optimizer() on every worker, or barrier() after it"
            raise RuntimeError(wording("keys in", self.shard.layout, layout, remedy))
        self.shard.weights_of(keys)
        return keys, unpack(payload, [self.shard.form(key) for key in keys]), versions

    def _apply(self, peer: Peer, request: Request, given: Any) -> None:
        """Make the update of one push."""
        peer.applied = request.number
        if given is None:
            return
        keys, grads, versions = given
        pulled = None
        if self.backup == BY_WORKER:
            kept = zip(keys, versions)
            pulled = {k: peer.pulled[k][1] for k, v in kept if peer.pulled.get(k, (None,))[0] == v}
        late = [self.shard.versions[key] - version for key, version in zip(keys, versions)]
        try:
            self.shard.update(keys, grads, pulled)
        except _REFUSALS as error:
            peer.fail(request.number, error)
            return
        # After a restart a worker may have pulled what is not made again yet.
        self.staleness.update(max(number, 0) for number in late)

    def _finish_rounds(self) -> None:
        """Make the update of each round that is whole, and give up those that never will be."""
        while self.mode == SYNC:
            number = min((peer.seen for peer in self.peers), default=0)
            done = self.peers[0].applied
            if done >= number:
                return
            self._finish_round(done + 1, self.rounds.pop(done + 1, {}))
            for peer in self.peers:
                peer.applied = done + 1

    def _finish_round(self, number: int, given: dict[int, Any]) -> None:
        if len(given) < len(self.peers):  # somebody has lost it
            for rank in given:
                self.peers[rank].lose(number, number)
            return
        pushes = [given[rank] for rank in range(len(self.peers))]
        try:
            if any(push is None for push in pushes):
                raise RuntimeError(f"round {number}: a push of it could not be read")
            keys = pushes[0][0]
            for rank, push in enumerate(pushes):
                if push[0] != keys:
                    argument = f"keys of worker {rank} in round {number}"
                    raise ValueError(wording(argument, f"those of worker 0, {keys}", f"{push[0]}"))
            grads = [summed(list(each)) for each in zip(*(push[1] for push in pushes))]
            self.shard.update(keys, grads)
        except _REFUSALS as error:
            for rank, push in enumerate(pushes):
                if push is not None:
                    self.peers[rank].fail(number, error)

    def _late(self, number: int) -> list[int]:
        return [rank for rank, peer in enumerate(self.peers) if peer.barrier < number]

    def _missing(self) -> str:
        """Return the workers that the next round waits for, in words."""
        done = self.peers[0].applied
        return _workers([rank for rank, peer in enumerate(self.peers) if peer.seen <= done])

    def _check_forms(self, keys: Any, forms: Any, known: Any) -> None:
        for key, (_, name, shape) in zip(keys, forms):
            if key in known:
                here = self.shapes[key], self.shard.form(key)[1].name
                if (tuple(shape), name) != here:
                    expected, got = f"{here[1]}{list(here[0])}", f"{name}{list(shape)}"
                    raise ValueError(wording(f"value of {key!r}", expected, got))

    def _forms(self) -> list[Any]:
        weights = self.shard.weights.items()
        return [(key, self.shapes[key], weight.dtype.name) for key, weight in weights]

    # Checkpoints.

    def _save(self) -> None:
        if self.path is not None:
            self._checkpoint()

    def _checkpoint(self) -> None:
        if self.path is None:
            raise ValueError(wording("folder", "one for checkpoints", "None"))
        rest = {
            "peers": [peer.saved() for peer in self.peers],
            "staleness": list(self.staleness.items()),
            "tokens": list(self.tokens.items()),
            "shapes": list(self.shapes.items()),
        }
        self.shard.save(self.path, rest)
        self._unsaved = 0
        for peer in self.peers:
            peer.durable = peer.applied

    def _take_over(self, shard: Shard, begins: bool) -> None:
        rest = shard.rest
        if len(rest["peers"]) != len(self.peers):
            expected = f"{len(rest['peers'])}, as in the checkpoint {self.path}"
            raise ValueError(wording("num_workers", expected, str(len(self.peers))))
        self.shard = shard
        self.peers = [Peer.restored(saved) for saved in rest["peers"]]
        self.staleness = Counter({late: count for late, count in rest["staleness"]})
        self.tokens = {key: token and tuple(token) for key, token in rest["tokens"]}
        self.shapes = {key: tuple(shape) for key, shape in rest["shapes"]}
        if begins:
            self.tokens = dict.fromkeys(self.tokens)
            for peer in self.peers:
                peer.barrier = 0

    def _become(self, shard: Shard, shapes: dict[Key, tuple[int, ...]]) -> None:
        """Have other weights; how far the workers are stays."""
        self.shard, self.shapes = shard, shapes
        self.tokens = dict.fromkeys(shard.weights)
        for peer in self.peers:
            peer.pulled = {}
        self._save()


def _form(form: Any) -> Any:
    shape, name, _ = form
    return tuple(shape), dtype_of(name)


def _workers(ranks: list[int]) -> str:
    return f"worker{'s' * (len(ranks) > 1)} {', '.join(map(str, ranks))}"
