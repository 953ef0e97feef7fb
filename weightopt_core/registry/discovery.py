"""Installed plugins: found by their entry points, checked, and loaded one at a time.

The environment variable ``WEIGHTOPT_DISABLE_PLUGINS`` leaves plugins out: names of algorithms or
packages with commas between them, or ``all``. With ``WEIGHTOPT_STRICT=1`` a look-up or listing
fails if any plugin of the kind cannot be used, instead of that plugin alone.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any

from ..errors import PluginError
from . import installed
from .installed import Plugin, plain

#: The interface between core and plugins. A plugin may state in ``__weightopt_api__``, in the
#: module that its entry point names, for which one it was written.
API_VERSION = 1


def entry_points(group: str) -> list[Plugin]:
    """Return the installed entry points of a group, but those that are disabled."""
    return [point for point in _of(group) if not _is_disabled(point)]


def disabled(group: str) -> list[Plugin]:
    """Return the installed entry points of a group that are left out."""
    return [point for point in _of(group) if _is_disabled(point)]


def is_strict() -> bool:
    """Whether one plugin that cannot be used is an error for all."""
    return os.environ.get("WEIGHTOPT_STRICT", "") not in ("", "0")


def owner(point: Plugin) -> str:
    """Return package and version of a plugin."""
    return f"{point.dist.name} {point.dist.version}"


def describe(point: Plugin) -> str:
    """Return entry point, package and version of a plugin, for messages."""
    entry = f"entry point {point.name!r} = {point.value!r} of group {point.group!r}"
    return f"{entry}, package {owner(point)}"


def load(point: Plugin, kind: str, base: type) -> type:
    """Return the class that an entry point names.

    Raises
    ------
    PluginError
        It cannot be used; the message has entry point, package, version, cause and remedy.
    """
    package = point.dist.name
    if not point.module:
        cause = f"expected a value like 'module:Class', got {point.value!r}"
        remedy = f"tell its authors, and pip uninstall {package}"
        raise PluginError(_broken(point, kind, cause, remedy))
    _check_api(point, kind, _declared_api(point.module))
    try:
        cls = point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may fail in any way while it is imported
        cause = f"it does not load: {type(error).__name__}: {_text(error)}"
        remedy = f"pip install --upgrade {package}, or pip uninstall {package}"
        root = point.module.partition(".")[0]
        if isinstance(error, ModuleNotFoundError) and error.name == root:
            cause = f"its module {root!r} is gone, as after an uninstall"
            remedy = f"pip install --force-reinstall {package}, or refresh() the registry"
        elif isinstance(error, ModuleNotFoundError):
            remedy = f"install what provides {error.name!r}, or pip uninstall {package}"
        raise PluginError(_broken(point, kind, cause, remedy)) from error
    if not (isinstance(cls, type) and issubclass(cls, base)):
        cause = f"expected a subclass of {base.__name__}, got {cls!r}"
        remedy = f"tell its authors, and pip uninstall {package}"
        raise PluginError(_broken(point, kind, cause, remedy))
    module = importlib.import_module(point.module)
    _check_api(point, kind, getattr(module, "__weightopt_api__", None))
    return cls


def _of(group: str) -> list[Plugin]:
    return [point for point in installed.plugins() if point.group == group]


def _is_disabled(point: Plugin) -> bool:
    words = os.environ.get("WEIGHTOPT_DISABLE_PLUGINS", "").split(",")
    named = {plain(word.strip()) for word in words if word.strip()}
    own = {"all", plain(point.name), plain(point.dist.name)}
    return bool(named & own)


def _declared_api(module: str) -> Any:
    """Return ``__weightopt_api__`` as the source of a module has it, without running it.

    A package for another API may well fail to import; this says why.
    """
    try:
        spec = importlib.util.find_spec(module)
        tree = ast.parse(Path(spec.origin).read_text("utf-8"))  # type: ignore[union-attr, arg-type]
    except KeyboardInterrupt:
        raise
    except BaseException:  # what is wrong with it, loading will say
        return None
    for node in tree.body:
        constant = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        if constant and ast.unparse(node.targets[0]) == "__weightopt_api__":  # type: ignore
            return node.value.value  # type: ignore
    return None


def _check_api(point: Plugin, kind: str, version: Any) -> None:
    if version is None or version == API_VERSION:
        return
    newer = isinstance(version, int) and version > API_VERSION
    remedy = "upgrade weightopt-core" if newer else "upgrade the package"
    cause = f"it is for plugin API {version}, this core has {API_VERSION}"
    raise PluginError(_broken(point, kind, cause, remedy))


def _broken(point: Plugin, kind: str, cause: str, remedy: str) -> str:
    return f"{kind} {point.name!r}: {describe(point)}: {cause}; {remedy}"


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # of a class whose own __str__ fails
        return "without a message"
