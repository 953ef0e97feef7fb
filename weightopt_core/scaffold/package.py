"""The files that plugin packages and bridges share, made from one set of templates."""

from __future__ import annotations

import datetime
import importlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from ..errors import wording
from ..kinds import BRIDGES, KINDS, KVSTORE

#: Entry-point groups by kind.
GROUPS = {name: kind.group for name, kind in KINDS.items()}
#: A package for the arrays of a framework, whose entry point is the framework's own module, or for
#: an engine that joins machines.
BRIDGE = {"bridge": BRIDGES, KVSTORE.name: KVSTORE.group}
_KINDS = GROUPS | BRIDGE
_CALL = re.compile(r'\.create\("[^"]*"(?:, (.*))?\)$', re.MULTILINE)
_AUTHOR = re.compile(r"(?P<name>[^<>\x00-\x1f]*?)\s*(<(?P<email>[^<>@\s]+@[^<>@\s]+)>)?")
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Package:
    """What distinguishes one package, of a plugin or a bridge, from another.

    Parameters
    ----------
    name : str
        The algorithm's name, which is its folder's and its first entry point's too; the class's
        full name, where an algorithm of another kind has that. For a bridge, the name of the
        framework or the engine.
    kind : str
        A key of `GROUPS` or of `BRIDGE`.
    description : str
        One line, without a full stop.
    entry_points : dict of str to str
        Class by name; empty where a framework's bridge is all of its module.
    dependencies : tuple of str
        What it needs beside the core.
    compiled : bool
        Whether it has rules to compile.
    arguments : str
        What the example in its README has to pass, as Python: ``"value=0.5"``.
    version : str
        Its version; for a package of this project, the core's.
    prefix : str
        What goes before the name in distribution and module.
    license : str
        An SPDX expression, such as ``"MIT"``; nothing is said of a licence without one.
    author : str
        A name, or a name with an address: ``"Ada <ada@example.org>"``.
    """

    name: str
    kind: str
    description: str
    entry_points: dict[str, str]
    dependencies: tuple[str, ...] = ()
    compiled: bool = False
    arguments: str = ""
    version: str = "0.1.0"
    prefix: str = "weightopt"
    license: str = ""
    author: str = ""

    def __post_init__(self) -> None:
        named = _AUTHOR.fullmatch(self.author)
        if named is None or (self.author and not named["name"]):
            expected = "a name, or a name <with@an.address>"
            raise ValueError(wording("author", expected, repr(self.author)))

    @property
    def distribution(self) -> str:
        """What pip installs."""
        return f"{self.prefix}-{self.name}"

    @property
    def module(self) -> str:
        """What Python imports."""
        return f"{self.prefix}_{self.name}"

    def files(self) -> dict[str, str]:
        """Return the shared files, text by name."""
        names = ["pyproject.toml"]
        if self.kind not in BRIDGE:  # whose pages have more to say than an example
            names += ["README.md"] + (["setup.py"] if self.compiled else [])
        return {name: self.render(name) for name in names}

    def render(self, template: str) -> str:
        """Return the text of one of the templates, filled in for this package."""
        core = "weightopt-core==0.1.*"
        build = ["setuptools>=77.0.1"] + (["cython>=3.1", core] if self.compiled else [])
        arguments = f", {self.arguments}" if self.arguments else ""
        module = KINDS[self.kind].module if self.kind in KINDS else None
        call = f'wo.{module}.create("{self.name}"{arguments})'
        data = f'\n[tool.setuptools.package-data]\n{self.module} = ["py.typed"]\n'
        words = ["weightopt", self.kind, *([self.name] if self.kind in BRIDGE else [])]
        return Template((_TEMPLATES / f"{template}.in").read_text("utf-8")).substitute(
            name=self.name,
            cls=next(iter(self.entry_points.values())),
            kind=self.kind,
            group=_KINDS[self.kind],
            distribution=self.distribution,
            module=self.module,
            version=self.version,
            description=self.description,
            build_requires=_quoted(build),
            dependencies=_quoted([core, *self.dependencies]),
            entry_points="\n".join(
                f'{name} = "{self.module}{cls and f":{cls}"}"'
                for name, cls in self.entry_points.items()
            ),
            keywords=_quoted(words),
            data=data if self.kind in BRIDGE else "",
            example=f"{self.kind} = {call}",
            legal=self._legal(),
            author=_AUTHOR.fullmatch(self.author)["name"],  # type: ignore[index]
            year=datetime.date.today().year,
        )

    def _legal(self) -> str:
        """Return the lines of pyproject.toml that say whose the package is, and its licence."""
        lines = f"license = {_text(self.license)}\n" if self.license else ""
        if self.author:
            named = _AUTHOR.fullmatch(self.author).groupdict()  # type: ignore[union-attr]
            pairs = [f"{key} = {_text(value)}" for key, value in named.items() if value]
            lines += f"authors = [{{ {', '.join(pairs)} }}]\n"
        return lines


def read(folder: Path) -> Package:
    """Return what the package in `folder` says of itself."""
    tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    content: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    project = content["project"]
    prefix, _, name = project["name"].partition("-")
    (group, points), *others = project["entry-points"].items()
    if others:
        raise ValueError(f"{folder}: expected entry points of one group, got {len(others) + 1}")
    readme = folder / "README.md"
    is_shared = readme.exists() and group not in BRIDGE.values()
    call = re.search(_CALL, readme.read_text("utf-8")) if is_shared else None
    return Package(
        name=name,
        kind={group: kind for kind, group in _KINDS.items()}[group],
        description=project["description"],
        entry_points={key: value.partition(":")[2] for key, value in points.items()},
        dependencies=tuple(project["dependencies"][1:]),
        arguments=(call and call[1]) or "",
        compiled=(folder / "setup.py").exists(),
        version=project["version"],
        prefix=prefix,
        license=project.get("license", ""),
    )


def _text(value: str) -> str:
    """Return a string of TOML, whose escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False)


def _quoted(words: list[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)
