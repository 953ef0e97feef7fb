"""What installed packages declare: their entry points, read so that none spoils another.

One damaged package takes away nothing but itself, and one damaged line nothing but its own entry
point. `importlib_metadata.entry_points` fails as a whole, so only its search is used here.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

PREFIX = "weightopt."
#: A value that names a class, and the extras that it may name behind that.
_REFERENCE = re.compile(r"(?P<module>\w+(\.\w+)*)\s*:\s*(?P<attr>\w+(\.\w+)*)\s*(\[[^]]*\])?")
#: The fields of a package's metadata that say which one it is.
_FIELD = re.compile(r"^(name|version)[ \t]*:(.*)$", re.IGNORECASE | re.MULTILINE)
#: How pip begins the names of folders that it is about to remove, earlier versions included.
_LEFTOVER = ("~", "-")


def plain(name: str) -> str:
    """Return a name as names are compared: without case and ``-_.``."""
    return re.sub(r"[-_.]", "", name).casefold()


class Package(NamedTuple):
    """What provides a plugin."""

    name: str
    version: str


@dataclass(frozen=True)
class Plugin:
    """An installed entry point, and its package as it was when it was found.

    Package metadata is on disk, and may be gone when it is asked for. Where the value is no
    reference to a class, `module` and `attr` are empty.
    """

    name: str
    value: str
    group: str
    dist: Package

    @property
    def module(self) -> str:
        """The module of the class."""
        return self._part("module")

    @property
    def attr(self) -> str:
        """The name of the class in its module."""
        return self._part("attr")

    def load(self) -> Any:
        """Return what the value names."""
        return functools.reduce(getattr, self.attr.split("."), importlib.import_module(self.module))

    def _part(self, name: str) -> str:
        match = _REFERENCE.fullmatch(self.value)
        return match[name] if match else ""


@functools.lru_cache(maxsize=1)
def plugins() -> tuple[Plugin, ...]:
    """Return the entry points of all groups of this project.

    Where packages have one name, the first on the path counts, as for `import`; one without
    metadata counts only if there is no other.
    """
    import importlib_metadata

    declaring = []
    for dist in importlib_metadata.distributions():
        entries = list(_entries(dist))
        if entries and not _folder(dist).startswith(_LEFTOVER):
            declaring.append((*_package(dist), entries))
    chosen: dict[str, list[Plugin]] = {}
    for package, _, entries in sorted(declaring, key=lambda found: not found[1]):
        found = [Plugin(name, value, group, package) for group, name, value in entries]
        chosen.setdefault(plain(package.name), found)
    return tuple(plugin for found in chosen.values() for plugin in found)


def refresh() -> None:
    """Forget what is installed, so that the next look-up scans again."""
    importlib.invalidate_caches()
    plugins.cache_clear()


def _entries(dist: Any) -> Iterator[tuple[str, str, str]]:
    """Yield group, name and value of a package's entry points in groups of this project."""
    group = ""
    for line in map(str.strip, _text(dist).splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif group.startswith(PREFIX) and line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield group, name.strip(), value.strip()


def _text(dist: Any) -> str:
    """Return a package's entry points as text, with escapes for bytes that are not UTF-8."""
    try:
        text = dist.read_text("entry_points.txt")
    except UnicodeDecodeError as error:
        text = error.object.decode("utf-8", "backslashreplace")
    except Exception:  # a damaged archive or disk, in any of the ways that finders report
        text = None
    return (text or "").removeprefix("\ufeff")


def _package(dist: Any) -> tuple[Package, bool]:
    """Return name and version of a package, and whether its metadata has them."""
    found: dict[str, str] = {}
    # Metadata may be damaged in any of the ways that importlib-metadata reports. Two lines of its
    # head are read here: to parse all of it, as that does, takes most of the time of a scan.
    with contextlib.suppress(Exception):
        head, _, _ = (dist.read_text("METADATA") or dist.read_text("PKG-INFO") or "").partition(
            "\n\n"
        )
        for key, value in reversed(_FIELD.findall(head)):
            found[key.casefold()] = value.strip()
    name, version = found.get("name"), found.get("version")
    # The folder is called name-version.dist-info, and is what pip goes by.
    stem = re.sub(r"\.(dist|egg)-info$", "", _folder(dist))
    folder_name, _, folder_version = stem.partition("-")
    package = Package(str(name or folder_name), str(version or folder_version or "unknown"))
    return package, bool(name and version)


def _folder(dist: Any) -> str:
    return Path(str(getattr(dist, "_path", "unknown"))).name
