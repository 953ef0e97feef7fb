"""A server's part of a job: its weights, its workers, and a checkpoint of both."""

from __future__ import annotations

import os
from collections import Counter

from ..errors import wording
from .holdings import Holdings
from .messages import Request
from .peer import Peer
from .shard import Shard
from .updates import Updates


class Job:
    """What a server has to keep, and writes into its checkpoint.

    Parameters
    ----------
    num_workers : int
        How many workers push.
    mode, backup : str
        As of a `Server`.
    path : str, optional
        Where the checkpoint is; one that is there is taken over.
    checkpoint_every : int
        How many pushes are taken between two checkpoints.
    begins : bool
        Whether the job begins, and not only this process of it.

    Attributes
    ----------
    is_bereft : bool
        Whether an earlier process had weights, and has left no checkpoint.
    """

    def __init__(
        self,
        num_workers: int,
        mode: str,
        backup: str,
        path: str | None,
        checkpoint_every: int,
        begins: bool,
    ):
        self.path, self._checkpoint_every = path, checkpoint_every
        self.holdings = Holdings()
        self.peers = [Peer() for _ in range(num_workers)]
        self.updates = Updates(mode, backup, self.peers)
        self._unsaved = 0
        is_saved = path is not None and os.path.exists(path)
        self.is_bereft = not begins and not is_saved
        if is_saved:
            self._take_over(Shard.loaded(path), begins)
        elif begins:
            self.save()

    @property
    def shard(self) -> Shard:
        """The weights, and what updates them."""
        return self.holdings.shard

    def rank(self, request: Request) -> int:
        """Return which worker asks."""
        if request.rank is None or not 0 <= request.rank < len(self.peers):
            raise ValueError(wording("rank", f"one of {len(self.peers)}", repr(request.rank)))
        return request.rank

    def worker(self, request: Request) -> Peer:
        """Return what is known of the worker that asks."""
        return self.peers[self.rank(request)]

    def count_push(self) -> None:
        """Save, if enough pushes have come since that was done."""
        self._unsaved += 1
        if self._unsaved >= self._checkpoint_every:
            self.save()

    def forget_pulls(self) -> None:
        """Forget which weights workers have pulled."""
        for peer in self.peers:
            peer.pulled = {}

    def save(self) -> None:
        """Write a checkpoint, if there is a place for it."""
        if self.path is None:
            return
        peers = [peer.saved() for peer in self.peers]
        staleness = list(self.updates.staleness.items())
        rest = {"peers": peers, "staleness": staleness, **self.holdings.saved()}
        self.shard.save(self.path, rest)
        self._unsaved = 0
        for peer in self.peers:
            peer.durable = peer.applied

    def _take_over(self, shard: Shard, begins: bool) -> None:
        """Go on from a checkpoint."""
        saved = shard.rest["peers"]
        if len(saved) != len(self.peers):
            expected = f"{len(saved)}, as in the checkpoint {self.path}"
            raise ValueError(wording("num_workers", expected, str(len(self.peers))))
        self.holdings = Holdings.restored(shard)
        self.peers[:] = map(Peer.restored, saved)
        self.updates.staleness = Counter(dict(shard.rest["staleness"]))
        if begins:
            self.holdings.tokens = dict.fromkeys(self.holdings.tokens)
            for peer in self.peers:
                peer.barrier = 0
