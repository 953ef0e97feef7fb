"""Ray as a key-value store needs it: for this machine alone, and for whoever has the token."""

from __future__ import annotations

import os
from typing import Any

import ray

_LOOPBACK = "127.0.0.1"


def start(
    address: str | None = None, host: str = _LOOPBACK, memory: int = 1 << 30, **options: Any
) -> None:
    """Start Ray on this machine, or join a cluster that runs; do nothing where that was done.

    A new cluster answers only those who have Ray's token, which Ray makes, unless a variable
    ``RAY_AUTH_MODE`` says otherwise; to join one, ``ray get-auth-token`` tells the token.

    Parameters
    ----------
    address : str, optional
        Of a cluster that runs, such as ``"auto"``; by default a new one is started.
    host : str, optional
        The address that a new one is bound to.
    memory : int, optional
        Bytes of its object store, in which pushes and pulls are on their way.
    **options
        Those of `ray.init`.
    """
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address is None and host == _LOOPBACK:
        _stay_here()
    if address is None:
        new = {"include_dashboard": False, "object_store_memory": memory, "_node_ip_address": host}
        options = {"address": "local", **new, **options}
    else:
        options = {"address": address, **options}
    ray.init(**options)


def _stay_here() -> None:
    """Let Ray use the loopback address, which it takes for another one of this machine on Linux.

    On other systems that is so by itself, and this setting is what decides it there.
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # for processes to come
    ray._private.ray_constants.ENABLE_RAY_CLUSTER = False
