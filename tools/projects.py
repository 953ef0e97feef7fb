"""The projects of this repository: their folders, and the order in which they are released."""

import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent


def folders() -> dict[str, Path]:
    """Return the folder of every project by its name: that of the folder, ``core`` or ``meta``."""
    found = {"core": ROOT, "meta": ROOT / "meta"}
    for folder in ("plugins", "bridges"):
        paths = sorted(ROOT.glob(f"{folder}/*/pyproject.toml"))
        found |= {path.parent.name: path.parent for path in paths}
    return found


def is_compiled(folder: Path) -> bool:
    """Whether a project has something to compile."""
    return (folder / "setup.py").exists()


def declared(folder: Path) -> dict[str, Any]:
    """Return what the pyproject.toml of a project declares."""
    return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]


def in_order() -> list[str]:
    """Return the names of all distributions, each behind those that it depends on."""
    projects = [declared(folder) for folder in folders().values()]
    names = {project["name"] for project in projects}
    needs = {
        project["name"]: sorted(
            name
            for name in names
            for wanted in project["dependencies"]
            if wanted.startswith((f"{name}=", f"{name}["))
        )
        for project in projects
    }
    return list(TopologicalSorter(needs).static_order())
