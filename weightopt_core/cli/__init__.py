"""The command ``weightopt``."""

from .commands import main

__all__ = ["main"]
