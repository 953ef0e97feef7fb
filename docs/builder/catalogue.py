"""What there has to be a page for: every installed algorithm, and every plugin of this project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import importlib_metadata

from weightopt_core import scaffold
from weightopt_core.registry import Registry
from weightopt_core.testing.subject import REGISTRIES


class Entry(NamedTuple):
    """An installed class of algorithms.

    Attributes
    ----------
    registry : Registry
        Of its kind.
    cls : type
        The class.
    names : tuple of str
        Its entry points.
    package : str
        The distribution that it comes from, and its version.
    description : str
        What that package says of itself.
    """

    registry: Registry
    cls: Any
    names: tuple[str, ...]
    package: str
    description: str

    @property
    def page(self) -> str:
        """The name of its page, without a folder."""
        return f"{self.registry.kind}-{self.registry.key(self.cls.__name__)}"


def installed() -> list[Entry]:
    """Return every installed class by kind and name.

    Raises
    ------
    weightopt_core.PluginError
        One of them cannot be loaded.
    """
    found = []
    for registry in REGISTRIES:
        names: dict[type, list[Any]] = {}
        for point in importlib_metadata.entry_points(group=registry.group):
            names.setdefault(registry.find(point.name), []).append(point)
        for cls in sorted(names, key=lambda cls: cls.__name__.casefold()):
            points = names[cls]
            package = points[0].dist.metadata
            described = f"{package['Name']} {package['Version']}", package["Summary"] or ""
            found.append(Entry(registry, cls, tuple(p.name for p in points), *described))
    return found


def without_page(root: Path, entries: Iterable[Entry], pages: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong: plugins of this project, and installed classes, that have no page.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    entries : iterable of Entry
        What is installed.
    pages : iterable of str
        The pages that there are.
    """
    entries, written = list(entries), set(pages)
    for entry in entries:
        if entry.page not in written:
            yield f"{entry.cls.__name__}: has no page {entry.page}"
    known = {(entry.registry.kind, name) for entry in entries for name in entry.names}
    for path in sorted(root.glob("plugins/*/pyproject.toml")):
        package = scaffold.read(path.parent)
        for name in package.entry_points:
            if (package.kind, name) not in known:
                yield f"plugins/{path.parent.name}: {name!r} has no page; make install"
