"""The store: its servers are actors, and each worker has a store object of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import Any

import ray

from weightopt_core.errors import wording
from weightopt_core.kvstore.client import Client
from weightopt_core.kvstore.updates import BACKUPS, BY_KEY, BY_WORKER, MODES, SYNC

from .cluster import start
from .server import ServerActor
from .transport import RayTransport

#: The part of the object store that all workers' pushes together may take.
_SHARE = 4


class RayKVStore(Client):
    """Weights on servers that are actors of Ray, for one worker or many.

    Whoever creates it owns the servers, which end with it. It is handed to tasks and actors of Ray
    as it is; each worker gets its own from `worker`.

    Parameters
    ----------
    mode : {"dist_sync", "dist_async"}, optional
        ``"dist_sync"`` sums the gradients of all workers in the order of their ranks and updates
        once, so that runs repeat themselves bit for bit. ``"dist_async"`` updates at each push.
    num_servers : int, optional
        How many servers share the keys.
    num_workers : int, optional
        How many workers push.
    rank : int, optional
        The number of this worker. By default 0 where there is one worker; else None, for who hands
        the store to others.
    folder : str, optional
        Where servers save what they have; on a cluster, one that all machines see. Without it the
        death of a server is the loss of its weights, and an error.
    job : str, optional
        What checkpoints are called. Those of an earlier job of that name are gone on from, by as
        many servers and workers; by default it is a new one.
    checkpoint_every : int, optional
        How many pushes a server takes between two checkpoints.
    durable : bool, optional
        Whether a worker keeps a push until it is in a checkpoint, so that the death of a server
        loses none. By default those since the last checkpoint are lost, and `report` counts them.
    backup : {"key", "worker"}, optional
        For optimizers that compensate for late gradients, such as DCASGD: from which weight on.
        ``"key"`` is the one before the last update, as in MXNet; ``"worker"`` the one that the
        worker has pulled, as in the paper, of which servers keep a copy for each worker.
    window : int, optional
        How many pushes to one server a worker may have under way or keep; the next one waits.
    timeout : float, optional
        Seconds after which what does not go on, as without a worker, is a TimeoutError.
    options : dict, optional
        Of the actors, as ``{"resources": {"server": 1}}``, which says where they run.

    Examples
    --------
    A job of two workers::

        store = weightopt_core.kvstore.create("ray", num_servers=2, num_workers=2)

        @ray.remote
        def work(store, rank):
            store = store.worker(rank)
            store.init("fc_weight", weight)
            store.set_optimizer(weightopt_core.optimizer.create("adam"))
            for batch in batches(rank):
                store.pull("fc_weight", out=weight)
                store.push("fc_weight", gradient(weight, batch))
            store.barrier()

        ray.get([work.remote(store, rank) for rank in range(2)])
    """

    def __init__(
        self,
        mode: str = SYNC,
        num_servers: int = 1,
        num_workers: int = 1,
        rank: int | None = None,
        folder: Any = None,
        job: str | None = None,
        checkpoint_every: int = 100,
        durable: bool = False,
        backup: str = BY_KEY,
        window: int = 8,
        timeout: float = 300.0,
        options: Mapping[str, Any] | None = None,
    ):
        _check("mode", mode, MODES)
        _check("backup", backup, BACKUPS)
        counts = {"num_servers": num_servers, "num_workers": num_workers, "window": window}
        for argument, count in (counts | {"checkpoint_every": checkpoint_every}).items():
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise ValueError(wording(argument, "an integer of at least 1", repr(count)))
        if durable and folder is None:
            raise ValueError(wording("folder", "one for checkpoints, with durable=True", "None"))
        if backup == BY_WORKER and mode == SYNC:
            raise ValueError(wording("backup", f"{BY_KEY!r} with {SYNC!r}", repr(backup)))
        if rank is None and num_workers == 1:
            rank = 0
        _check_rank(rank, num_workers)
        start()
        if folder is not None:
            folder = os.path.abspath(os.fspath(folder))
            os.makedirs(folder, exist_ok=True)
        settings = {
            "num_workers": num_workers,
            "mode": mode,
            "checkpoint_every": checkpoint_every,
            "backup": backup,
        }
        job = job or f"store-{secrets.token_hex(8)}"
        actor = ray.remote(ServerActor).options(
            **{"num_cpus": 0, "scheduling_strategy": "SPREAD", **(options or {})},
            max_restarts=-1,
            max_task_retries=0,
            max_concurrency=1,
        )
        actors = []
        for number in range(num_servers):
            file = f"{job}-{number}-of-{num_servers}.safetensors"
            path = None if folder is None else os.path.join(folder, file)
            actors.append(actor.remote({**settings, "path": path}))
        store = ray.cluster_resources().get("object_store_memory", 1 << 30)
        own = {
            "num_workers": num_workers,
            "durable": durable,
            "keeps_pulled": backup == BY_WORKER,
            "window": window,
            "window_bytes": int(store / _SHARE / num_workers),
            "timeout": timeout,
        }
        self._open(actors, own, rank)

    def _open(self, actors: list[Any], own: dict[str, Any], rank: int | None) -> None:
        self._actors, self._own = actors, own
        super().__init__(RayTransport(actors), rank, **own)

    def worker(self, rank: int) -> RayKVStore:
        """Return the store of another worker, on the same servers.

        A process that takes the place of one that died goes on after that one's pushes.
        """
        _check_rank(rank, self.num_workers)
        return _opened(self._actors, self._own, rank)

    def __reduce__(self) -> Any:
        return _opened, (self._actors, self._own, self.rank)

    def close(self) -> None:
        """End the servers, and forget what they have; checkpoints stay."""
        for actor in self._actors:
            ray.kill(actor, no_restart=True)


def _opened(actors: list[Any], own: dict[str, Any], rank: int | None) -> RayKVStore:
    store = RayKVStore.__new__(RayKVStore)
    store._open(actors, own, rank)
    return store


def _check(argument: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(wording(argument, " or ".join(map(repr, known)), repr(value)))


def _check_rank(rank: Any, num_workers: int) -> None:
    if rank is not None and (isinstance(rank, bool) or rank not in range(num_workers)):
        raise ValueError(wording("rank", f"an integer in [0, {num_workers})", repr(rank)))
