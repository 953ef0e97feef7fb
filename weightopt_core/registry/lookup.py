"""From names to classes: installed entry points and classes registered at run time."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from .. import written
from ..errors import PluginError, nearest, wording
from . import discovery, installed
from .discovery import API_VERSION
from .published import PUBLISHED

__all__ = ["API_VERSION", "Registry"]


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
        self._checked = False

    def key(self, name: str) -> str:
        """Return `name` as it is compared: without case and ``-_.``, without the suffix."""
        if not isinstance(name, str):
            raise TypeError(f"{self.kind} name: expected a str, got {name!r}")
        plain = installed.plain(name)
        return plain.removesuffix(self.suffix) or plain

    def names(self) -> list[str]:
        """Return all names, registered and installed, sorted; imports no plugin, unless strict."""
        self._be_strict()
        return sorted({*self._registered, *self._installed()})

    def entry_points(self, name: str) -> list[Any]:
        """Return the installed entry points called `name`; more than one is a conflict.

        Spellings of the name that one package declares for one class are one entry point.
        """
        return self._installed().get(self.key(name), [])

    def refresh(self) -> None:
        """Forget what is installed, so that the next look-up scans again."""
        installed.refresh()
        self._loaded.clear()
        self._checked = False

    def register(self, cls: type, *names: str) -> type:
        """Register a class under `names`, by default its own name; return the class.

        A class that replaces another one of that name does so with a warning.
        """
        if not (isinstance(cls, type) and issubclass(cls, self.base)):
            raise TypeError(f"register: expected a subclass of {self.base.__name__}, got {cls!r}")
        for name in names or (cls.__name__,):
            old = self._registered.get(self.key(name))
            if old is None and self.entry_points(name):
                replaced = f"that of package {discovery.owner(self.entry_points(name)[0])}"
            elif old is not None and _path(old) != _path(cls):
                replaced = _path(old)
            else:
                replaced = ""
            if replaced:
                text = f"{self.kind} {name!r}: {_path(cls)} replaces {replaced}"
                warnings.warn(text, UserWarning, stacklevel=3)
            self._registered[self.key(name)] = cls
        return cls

    @contextlib.contextmanager
    def isolated(self) -> Iterator[Registry]:
        """Let what is registered within a ``with`` block be forgotten after it; for tests.

        Examples
        --------
        >>> import weightopt_core as wo
        >>> with wo.optimizer.registry.isolated() as registry:
        ...     cls = registry.register(type("Passing", (wo.Optimizer,), {}))
        >>> "passing" in wo.optimizer.registry.names()
        False
        """
        before = dict(self._registered)
        try:
            yield self
        finally:
            self._registered = before

    def alias(self, *names: str) -> Callable[[type], type]:
        """Return a decorator that registers a class under further names."""
        return lambda cls: self.register(cls, *names)

    def find(self, name: str) -> type:
        """Return the class called `name`; load the plugin that provides it if need be.

        Raises
        ------
        ValueError
            Nothing has that name; the message has the nearest names and how to install it.
        PluginError
            The plugin cannot be used, or two packages claim the name.
        """
        key = self.key(name)
        if key in self._registered:
            return self._registered[key]
        self._be_strict()
        if key not in self._loaded:
            self._loaded[key] = self._load(name)
        return self._loaded[key]

    def create(self, name: str | list[Any], *args: Any, **kwargs: Any) -> Any:
        """Return a new instance of the class called `name`, or what `dumps` returned as `name`."""
        read = written.read(self.kind, name)
        if read is None:
            return self.find(name)(*args, **kwargs)  # type: ignore[arg-type]
        if args or kwargs:
            raise TypeError(wording(self.kind, "a name beside further arguments", repr(name)))
        cls: Any = self.find(read[0])
        return cls.from_arguments(read[1])

    def name_of(self, cls: type) -> str:
        """Return a name that stands for `cls`, its own in lower case if that does.

        Raises
        ------
        TypeError
            None does: the class is neither registered nor installed.
        """
        own = cls.__name__.lower()
        if self._is_found(own, cls):
            return own
        named = [key for key, known in self._registered.items() if known is cls]
        points = [(key, points[0]) for key, points in self._installed().items()]
        named += [key for key, point in points if point.module == cls.__module__]
        for key in named:
            if self._is_found(key, cls):
                return key
        remedy = f"register the class with {self.base.__name__}.register"
        expected = "a class that is registered or installed"
        raise TypeError(wording(self.kind, expected, _path(cls), remedy))

    def _is_found(self, name: str, cls: type) -> bool:
        try:
            return self.find(name) is cls
        except (ValueError, PluginError):
            return False

    def attribute(self, module: str, name: str) -> type:
        """Return the class whose own name is `name`; for a module's ``__getattr__``."""
        if not name.startswith("_") and self.key(name) in self.names():
            cls = self.find(name)
            if cls.__name__ == name:
                return cls
        hint = "" if name.startswith("_") else f"; {self._unknown(name)}"
        raise AttributeError(f"module {module!r} has no attribute {name!r}{hint}")

    def _installed(self) -> dict[str, list[Any]]:
        found: dict[str, dict[Any, Any]] = {}
        for point in discovery.entry_points(self.group):
            same = point.dist, point.module, point.attr
            found.setdefault(self.key(point.name), {}).setdefault(same, point)
        return {key: list(points.values()) for key, points in found.items()}

    def _unknown(self, name: str) -> str:
        key = self.key(name)
        if key in map(self.key, (point.name for point in discovery.disabled(self.group))):
            return f"{self.kind} {name!r} is disabled; take it out of WEIGHTOPT_DISABLE_PLUGINS"
        package = PUBLISHED.get(self.group, {}).get(key)
        if package:
            return f"{self.kind} {name!r} is not installed; pip install {package}"
        hint = nearest(key, [*self.names(), *PUBLISHED.get(self.group, {})])
        remedy = "install the package that provides it, or register() a class of your own"
        joint = " if not," if hint.endswith("?") else ";"
        return f"unknown {self.kind} {name!r}; {hint}{joint} {remedy}"

    def _load(self, name: str) -> type:
        found = self.entry_points(name)
        if not found:
            raise ValueError(self._unknown(name))
        if len(found) > 1:
            found.sort(key=lambda point: point.dist)
            owners = " and ".join(map(discovery.describe, found))
            packages = list(dict.fromkeys(point.dist.name for point in found))
            claim = f"{len(packages)} packages provide it"
            remedy = "pip uninstall " + " or ".join(packages)
            if len(packages) == 1:
                claim = f"its package provides {len(found)}"
                remedy = f"tell its authors, and {remedy}"
            raise PluginError(f"{self.kind} {name!r}: {claim}: {owners}; {remedy}")
        return discovery.load(found[0], self.kind, self.base)

    def _be_strict(self) -> None:
        """Raise what is wrong with any plugin, once, if that was asked for."""
        if self._checked or not discovery.is_strict():
            return
        errors = []
        for key in self._installed():
            try:
                self._loaded[key] = self._load(key)
            except PluginError as error:
                errors.append(str(error))
        if errors:
            raise PluginError("WEIGHTOPT_STRICT: " + "\n".join(errors))
        self._checked = True


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
