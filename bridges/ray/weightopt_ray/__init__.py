"""Key-value stores on Ray: ``weightopt_core.kvstore.create("ray", ...)``."""

from .cluster import start
from .store import RayKVStore

__all__ = ["RayKVStore", "start"]
