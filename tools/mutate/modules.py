"""Which modules of the core a file of Cython or C takes part in."""

from __future__ import annotations

import re
from pathlib import Path


def built_from(source: Path, package: Path) -> set[str]:
    """Return the names of the modules that are to be built where this file of a package changed."""
    if source.suffix == ".py":
        return set()
    found, before = {source.name}, set[str]()
    if source.suffix == ".c":  # what it defines, its header declares
        found.add(source.with_suffix(".h").name)
    texts = {path: path.read_text() for path in package.glob("*/*.*") if _is_read(path)}
    while found != before:
        before = set(found)
        for path, text in texts.items():
            if any(_takes(path, text, name) for name in before):
                found.add(path.name)
    return {Path(name).stem for name in found if name.endswith(".pyx")}


def _is_read(path: Path) -> bool:
    return path.suffix in (".pyx", ".pxd", ".h")


def _takes(path: Path, text: str, name: str) -> bool:
    """Whether the file of this text is compiled with the text of another one."""
    if name.endswith(".pxd"):
        module = Path(name).stem
        return path.name == f"{module}.pyx" or bool(
            re.search(rf"\bfrom [.\w]*\b{module} cimport|\bcimport [.\w]*\b{module}\b", text)
        )
    return name.endswith(".h") and f'"{name}"' in text
