"""Other optimizers, one file each; a module here lists its contestants as ``PEERS``."""

from importlib import import_module
from pkgutil import iter_modules


def peers():
    """Return the contestants of every module of this package, by name, installed or not."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return {peer.name: peer for module in modules for peer in module.PEERS}
