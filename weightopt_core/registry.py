"""From names to classes: installed entry points and classes registered at run time."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable
from typing import Any

from .errors import PluginError, nearest
from .published import PUBLISHED

#: The interface between core and plugins. A plugin may state in ``__weightopt_api__``, in the
#: module that its entry point names, for which one it was written.
API_VERSION = 1


@functools.lru_cache(maxsize=1)
def _entry_points() -> Any:
    import importlib_metadata

    return importlib_metadata.entry_points()


class Registry:
    """The algorithms of one kind.

    Parameters
    ----------
    kind : str
        What is registered, in words: ``"optimizer"``.
    group : str
        The entry-point group that installed packages declare: ``"weightopt.optimizers"``.
    base : type
        The class that every entry derives from.
    suffix : str
        An ending of class names that does not count in names.
    """

    def __init__(self, kind: str, group: str, base: type, suffix: str = ""):
        self.kind = kind
        self.group = group
        self.base = base
        self.suffix = suffix
        self._registered: dict[str, type] = {}
        self._loaded: dict[str, type] = {}

    def key(self, name: str) -> str:
        """Return `name` as it is compared: without case and ``-_.``, without the suffix."""
        if not isinstance(name, str):
            raise TypeError(f"{self.kind} name: expected a str, got {name!r}")
        plain = re.sub(r"[-_.]", "", name).casefold()
        return plain.removesuffix(self.suffix) or plain

    def names(self) -> list[str]:
        """Return all names, registered and installed, sorted; imports no plugin."""
        return sorted({*self._registered, *self._installed()})

    def entry_points(self, name: str) -> list[Any]:
        """Return the installed entry points called `name`; more than one is a conflict."""
        return self._installed().get(self.key(name), [])

    def refresh(self) -> None:
        """Forget what is installed, so that the next look-up scans again."""
        _entry_points.cache_clear()
        self._loaded.clear()

    def register(self, cls: type, *names: str) -> type:
        """Register a class under `names`, by default its own name; return the class.

        A class that replaces another one of that name does so with a warning.
        """
        if not (isinstance(cls, type) and issubclass(cls, self.base)):
            raise TypeError(f"register: expected a subclass of {self.base.__name__}, got {cls!r}")
        for name in names or (cls.__name__,):
            old = self._registered.get(self.key(name))
            if old is None and self.entry_points(name):
                replaced = f"that of package {_owner(self.entry_points(name)[0])}"
            elif old is not None and _path(old) != _path(cls):
                replaced = _path(old)
            else:
                replaced = ""
            if replaced:
                text = f"{self.kind} {name!r}: {_path(cls)} replaces {replaced}"
                warnings.warn(text, UserWarning, stacklevel=3)
            self._registered[self.key(name)] = cls
        return cls

    def alias(self, *names: str) -> Callable[[type], type]:
        """Return a decorator that registers a class under further names."""
        return lambda cls: self.register(cls, *names)

    def find(self, name: str) -> type:
        """Return the class called `name`; load the plugin that provides it if need be.

        Raises
        ------
        ValueError
            Nothing is called so; the message has the nearest names and how to install it.
        PluginError
            The plugin cannot be used, or two packages claim the name.
        """
        key = self.key(name)
        if key in self._registered:
            return self._registered[key]
        if key not in self._loaded:
            found = self.entry_points(name)
            if not found:
                raise ValueError(self._unknown(name))
            if len(found) > 1:
                owners = " and ".join(f"{_owner(point)} ({point.value})" for point in found)
                raise PluginError(
                    f"{self.kind} {name!r}: two packages provide it: {owners}; uninstall one"
                )
            self._loaded[key] = self._load(found[0])
        return self._loaded[key]

    def create(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return a new instance of the class called `name`."""
        return self.find(name)(*args, **kwargs)

    def attribute(self, module: str, name: str) -> type:
        """Return the class whose own name is `name`; for a module's ``__getattr__``."""
        if not name.startswith("_") and self.key(name) in self.names():
            cls = self.find(name)
            if cls.__name__ == name:
                return cls
        hint = "" if name.startswith("_") else f"; {self._unknown(name)}"
        raise AttributeError(f"module {module!r} has no attribute {name!r}{hint}")

    def _installed(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for point in _entry_points().select(group=self.group):
            found.setdefault(self.key(point.name), []).append(point)
        return found

    def _unknown(self, name: str) -> str:
        key = self.key(name)
        package = PUBLISHED.get(self.group, {}).get(key)
        if package:
            return f"{self.kind} {name!r} is not installed; pip install {package}"
        hint = nearest(key, [*self.names(), *PUBLISHED.get(self.group, {})])
        return f"unknown {self.kind} {name!r}; {hint}"

    def _load(self, point: Any) -> type:
        try:
            cls = point.load()
        except Exception as error:  # a plugin may fail in any way while it is imported
            cause = f"{type(error).__name__}: {error}"
            raise PluginError(self._broken(point, f"it does not load: {cause}")) from error
        if not (isinstance(cls, type) and issubclass(cls, self.base)):
            raise PluginError(
                self._broken(point, f"expected a subclass of {self.base.__name__}, got {cls!r}")
            )
        self._check_api(point)
        return cls

    def _check_api(self, point: Any) -> None:
        import importlib

        module = importlib.import_module(point.module)
        version = getattr(module, "__weightopt_api__", API_VERSION)
        if version != API_VERSION:
            remedy = "upgrade weightopt-core" if version > API_VERSION else "upgrade the package"
            raise PluginError(
                self._broken(
                    point,
                    f"it is for plugin API {version}, this core has {API_VERSION}; {remedy}",
                )
            )

    def _broken(self, point: Any, cause: str) -> str:
        entry = f"entry point {point.name!r} = {point.value!r} of group {self.group!r}"
        return f"{self.kind} {point.name!r}: {entry}, package {_owner(point)}: {cause}"


def _owner(point: Any) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "unknown"


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
