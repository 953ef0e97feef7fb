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

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import wording
from .holdings import Holdings
from .job import Job
from .messages import DONE, MOVED, REFUSED, STALE, WAIT, Reply, Request
from .packing import pack, unpack
from .peer import Peer
from .placing import layout_of
from .shard import Shard
from .specification import Specification
from .updates import BY_KEY, BY_WORKER, REFUSALS, Push, workers


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
        self.incarnation = incarnation
        self.job = Job(num_workers, mode, backup, path, checkpoint_every, begins)

    @property
    def shard(self) -> Shard:
        """The weights, and what updates them."""
        return self.job.shard

    def handle(self, request: Request, payload: np.ndarray | None = None) -> Reply:
        """Return the answer to a request."""
        answer: Callable[[Request, Any], Reply] = getattr(self, f"on_{request.kind}")
        if self.job.is_bereft:
            remedy = "create the store with folder=, and begin anew"
            got = "one that died without a checkpoint"
            return Reply(REFUSED, ("RuntimeError", wording("server", "its weights", got, remedy)))
        try:
            return answer(request, payload)
        except REFUSALS as error:
            return Reply(REFUSED, (type(error).__name__, str(error)))

    # What a worker's pushes need.

    def on_join(self, request: Request, _: Any) -> Reply:
        """Tell a new process of a rank what its predecessors have left."""
        peer = self.job.worker(request)
        return Reply(DONE, (peer.generation, peer.barrier, peer.seen))

    def on_hello(self, request: Request, _: Any) -> Reply:
        """Begin a session; pushes below the first that the worker still has are lost."""
        generation, first = request.content
        peer = self.job.worker(request)
        if generation < peer.generation:
            got = "an earlier one, whose place another process has taken"
            raise RuntimeError(wording(f"worker {request.rank}", "the latest process", got))
        peer.generation = generation
        self.job.updates.skip(self.shard, self.job.rank(request), first - 1)
        return Reply(DONE, ((self.incarnation, generation), peer.account()))

    def on_push(self, request: Request, payload: Any) -> Reply:
        """Take gradients if they are the next ones of their worker."""
        peer = self._session(request)
        if peer is None:
            return Reply(STALE)
        if request.number == peer.seen + 1:
            try:
                push = self._read(request, payload)
            except REFUSALS as error:
                peer.fail(request.number, error)
                push = None
            self.job.updates.take(self.shard, self.job.rank(request), push)
            self.job.count_push()
        return Reply(DONE, peer.account())

    def on_pull(self, request: Request, _: Any) -> Reply:
        """Return weights, once all that the worker has pushed is in them."""
        peer = self._session(request) if request.session else None
        if request.session:
            if peer is None:
                return Reply(STALE)
            if peer.applied < peer.seen:
                return Reply(WAIT, self.job.updates.missing())
        keys, layout = request.content
        if layout != self.shard.layout:
            return Reply(MOVED, self.shard.layout)
        weights = self.shard.weights_of(keys)
        if peer is not None:
            self.job.updates.note_pull(self.shard, peer, request.number, keys)
        account = None if peer is None else peer.account()
        return Reply(DONE, (account, [self.shard.versions[key] for key in keys]), pack(weights))

    def on_account(self, request: Request, _: Any) -> Reply:
        """Return how far this is with the pushes of a worker."""
        peer = self._session(request)
        return Reply(STALE) if peer is None else Reply(DONE, peer.account())

    def on_checkpoint(self, request: Request, _: Any) -> Reply:
        """Save all pushes of a worker."""
        peer = self._session(request)
        if peer is None:
            return Reply(STALE)
        if peer.applied < peer.seen:
            return Reply(WAIT, self.job.updates.missing())
        if peer.durable < peer.applied:
            self.job.save()
        return Reply(DONE, peer.account())

    # What is no push: saved before it is answered, and done once however often it comes.

    def on_init(self, request: Request, payload: Any) -> Reply:
        """Take first weights; without them, tell whether they would be taken."""
        keys, forms, layout, token = request.content
        if layout != self.shard.layout:
            return Reply(MOVED, self.shard.layout)
        self.job.holdings.init(keys, forms, token, payload)
        if payload is not None:
            self.job.save()
        return Reply(DONE)

    def on_declare(self, request: Request, _: Any) -> Reply:
        """Compare what a worker expects of keys, once they are there."""
        keys, forms, layout, _token = request.content
        if layout != self.shard.layout:
            return Reply(MOVED, self.shard.layout)
        self.job.holdings.check(keys, forms)
        is_here = all(key in self.shard.weights for key in keys)
        return Reply(DONE) if is_here else Reply(WAIT, "init() of worker 0")

    def on_resolve(self, request: Request, _: Any) -> Reply:
        """Return how far keys may be taken apart for an optimizer, if it can be made here."""
        optimizer = Specification(*request.content[0]).create()
        if self.job.updates.backup == BY_WORKER and optimizer.pulled_state is None:
            expected = "one that keeps the weight which a gradient was computed at"
            remedy = 'create the store with backup="key"'
            raise ValueError(wording("optimizer", expected, type(optimizer).__name__, remedy))
        return Reply(DONE, layout_of(optimizer))

    def on_optimizer(self, request: Request, _: Any) -> Reply:
        """Let an optimizer update the weights."""
        given, token = request.content
        if not self.job.holdings.is_done(token):
            self.shard.set_optimizer(Specification(*given))
            self.job.save()
        return Reply(DONE)

    def on_expect(self, request: Request, _: Any) -> Reply:
        """Tell whether an optimizer is in use."""
        known = self.shard.specification
        if known is None or known.text != request.content[0]:
            return Reply(WAIT, "set_optimizer() of worker 0 with the same optimizer")
        return Reply(DONE, self.shard.layout)

    def on_replace(self, request: Request, payload: Any) -> Reply:
        """Take other parts of keys, for another layout."""
        given, layout, keys, forms, token = request.content
        if not self.job.holdings.is_done(token):
            self.job.holdings.replace(given, layout, keys, forms, payload)
            self.job.forget_pulls()
            self.job.save()
        return Reply(DONE)

    def on_barrier(self, request: Request, _: Any) -> Reply:
        """Tell whether all workers have come as far."""
        (number,) = request.content
        peer = self.job.worker(request)
        is_new, peer.barrier = number > peer.barrier, max(number, peer.barrier)
        late = [rank for rank, peer in enumerate(self.job.peers) if peer.barrier < number]
        if late:
            return Reply(WAIT, workers(late))
        if is_new:
            self.job.save()
        return Reply(DONE, self.shard.layout)

    def on_dump(self, request: Request, _: Any) -> Reply:
        """Return all that `on_load` needs, as bytes."""
        if self.job.updates.rounds:
            return Reply(WAIT, self.job.updates.missing())
        found = self.shard.dump(self.job.holdings.saved())
        return Reply(DONE, None, np.frombuffer(found, np.uint8))

    def on_load(self, request: Request, payload: Any) -> Reply:
        """Take over what `on_dump` returned."""
        if self.job.updates.rounds:
            return Reply(WAIT, self.job.updates.missing())
        (token,) = request.content
        if not self.job.holdings.is_done(token):
            found = Holdings.restored(Shard.from_bytes(payload.tobytes()))
            self.job.holdings.become(found.shard, found.shapes)
            self.job.forget_pulls()
            self.job.save()
        return Reply(DONE)

    def on_forms(self, request: Request, _: Any) -> Reply:
        """Return shape and dtype of all that is here."""
        return Reply(DONE, (self.shard.layout, self.job.holdings.forms()))

    def on_report(self, request: Request, _: Any) -> Reply:
        """Return how late gradients were."""
        return Reply(DONE, dict(self.job.updates.staleness))

    def _session(self, request: Request) -> Peer | None:
        """Return the worker of a request, or None where its session is another one."""
        peer = self.job.worker(request)
        session = request.session and tuple(request.session)
        return peer if session == (self.incarnation, peer.generation) else None

    def _read(self, request: Request, payload: Any) -> Push:
        keys, layout, versions = request.content
        if layout != self.shard.layout:
            remedy = "call set_optimizer() on every worker, or barrier() after it"
            raise RuntimeError(wording("keys in", self.shard.layout, layout, remedy))
        self.shard.weights_of(keys)
        grads = unpack(payload, [self.shard.form(key) for key in keys])
        return Push(tuple(keys), grads, versions)
