"""From names to classes: installed entry points and classes registered at run time."""

from .discovery import API_VERSION
from .lookup import Registry

__all__ = ["API_VERSION", "Registry"]
