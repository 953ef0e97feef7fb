"""From pushes to updates: each by itself, or in rounds of all workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..errors import wording
from .given import Key, summed
from .peer import Peer
from .shard import Shard

#: Whether the pushes of all workers are summed before an update, or each makes one.
SYNC, ASYNC = MODES = ("dist_sync", "dist_async")
#: Whose update a gradient is compensated for: the last one of its key, or of its worker's pull.
BY_KEY, BY_WORKER = BACKUPS = ("key", "worker")
#: What a request may raise; everything else is a fault, which ends the server.
REFUSALS = (TypeError, ValueError, LookupError, ArithmeticError, OSError, RuntimeError)


class Push(NamedTuple):
    """Gradients of some keys, and the versions of the weights that they were computed at."""

    keys: tuple[Key, ...]
    grads: list[np.ndarray]
    versions: Sequence[int]


class Updates:
    """What becomes of pushes.

    Parameters
    ----------
    mode : {"dist_sync", "dist_async"}
        As for `Server`.
    backup : {"key", "worker"}
        As for `Server`.
    peers : list of Peer
        The workers, by rank.

    Attributes
    ----------
    staleness : Counter
        How many gradients of a key were late by how many updates.
    rounds : dict
        By number, the pushes of a round by rank; None for one that could not be read.
    """

    def __init__(self, mode: str, backup: str, peers: list[Peer]):
        self.mode, self.backup, self.peers = mode, backup, peers
        self.staleness: Counter[int] = Counter()
        self.rounds: dict[int, dict[int, Push | None]] = {}

    def take(self, shard: Shard, rank: int, push: Push | None) -> None:
        """Take the next push of a worker; None for one that could not be read."""
        peer = self.peers[rank]
        peer.seen += 1
        if self.mode == SYNC:
            self.rounds.setdefault(peer.seen, {})[rank] = push
            self._finish(shard)
            return
        peer.applied = peer.seen
        if push is not None:
            self._update(shard, peer, push)

    def skip(self, shard: Shard, rank: int, until: int) -> None:
        """Give up the pushes of a worker up to a number, as it cannot send them again."""
        peer = self.peers[rank]
        peer.lose(peer.seen + 1, until)
        peer.seen = max(peer.seen, until)
        if self.mode == ASYNC:
            peer.applied = peer.seen
        else:
            self._finish(shard)

    def missing(self) -> str:
        """Return the workers that the next round waits for, in words."""
        done = self.peers[0].applied
        return workers([rank for rank, peer in enumerate(self.peers) if peer.seen <= done])

    def note_pull(self, shard: Shard, peer: Peer, number: int, keys: Sequence[Key]) -> None:
        """Keep what a worker pulls, if gradients are compensated from there; the latest counts."""
        if self.backup == BY_WORKER and number > peer.pulls:
            peer.pulls = number
            for key, weight in zip(keys, shard.weights_of(keys)):
                peer.pulled[key] = shard.versions[key], weight.copy()

    def _update(self, shard: Shard, peer: Peer, push: Push) -> None:
        """Make the update of one push."""
        pulled: dict[Key, np.ndarray] | None = None
        if self.backup == BY_WORKER:
            pulled = {}
            for key, version in zip(push.keys, push.versions):
                then, weight = peer.pulled.get(key, (-1, None))
                if then == version and weight is not None:
                    pulled[key] = weight
        late = [shard.versions[key] - then for key, then in zip(push.keys, push.versions)]
        try:
            shard.update(push.keys, push.grads, pulled)
        except REFUSALS as error:
            peer.fail(peer.applied, error)
            return
        # After a restart a worker may have pulled what is not made again yet.
        self.staleness.update(max(number, 0) for number in late)

    def _finish(self, shard: Shard) -> None:
        """Make the update of each round that is whole, and give up those that never will be."""
        until = min(peer.seen for peer in self.peers)
        for number in range(self.peers[0].applied + 1, until + 1):
            pushes = self.rounds.pop(number, {})
            if len(pushes) == len(self.peers):
                self._update_once(shard, number, pushes)
            else:  # somebody has lost it
                for rank in pushes:
                    self.peers[rank].lose(number, number)
            for peer in self.peers:
                peer.applied = number

    def _update_once(self, shard: Shard, number: int, pushes: dict[int, Push | None]) -> None:
        """Make the update of a round, in the order of ranks."""
        try:
            grads = _sums(number, [pushes[rank] for rank in range(len(self.peers))])
            shard.update(*grads)
        except REFUSALS as error:
            for rank, push in pushes.items():
                if push is not None:  # who sent what could not be read, knows
                    self.peers[rank].fail(number, error)


def workers(ranks: Sequence[int]) -> str:
    """Return workers in words."""
    return f"worker{'s' * (len(ranks) > 1)} {', '.join(map(str, ranks))}"


def _sums(number: int, pushes: Sequence[Push | None]) -> tuple[tuple[Key, ...], list[np.ndarray]]:
    read = [push for push in pushes if push is not None]
    if len(read) < len(pushes):
        raise RuntimeError(f"round {number}: the push of another worker could not be read")
    keys = read[0].keys
    for rank, push in enumerate(read):
        if push.keys != keys:
            argument = f"keys of worker {rank} in round {number}"
            raise ValueError(wording(argument, f"those of worker 0, {keys}", f"{push.keys}"))
    return keys, [summed(list(each)) for each in zip(*(push.grads for push in read))]
