"""What was measured and drawn before, in a folder; a key says what it depends on."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib
import numpy as np

import weightopt_core

_VERSIONS = (weightopt_core.__version__, np.__version__, matplotlib.__version__)


def key_of(sources: Iterable[str | ModuleType], *further: str) -> str:
    """Return a digest of the code of packages and modules, given or by name, and of versions.

    Comments and the layout of the code do not count.
    """
    digest = hashlib.sha256(repr((_VERSIONS, further)).encode())
    for source in sources:
        module = sys.modules[source] if isinstance(source, str) else source
        for path in _files(module):
            digest.update(ast.dump(ast.parse(path.read_text("utf-8"))).encode())
    return digest.hexdigest()[:20]


def _files(module: ModuleType) -> list[Path]:
    file = getattr(module, "__file__", None)
    if file is None:
        return []
    path = Path(file)
    return sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]


def stored(folder: Path, name: str, key: str, make: Callable[[], str]) -> str:
    """Return a text that `make` made at some time under this key; older ones of the name go."""
    path = folder / f"{name}@{key}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for older in folder.glob(f"{name}@*"):
            older.unlink(missing_ok=True)
        part = folder / f"{name}@{key}.{os.getpid()}"
        part.write_text(make(), "utf-8")
        part.replace(path)
    return path.read_text("utf-8")


def measured(folder: Path, name: str, key: str, make: Callable[[], Any]) -> Any:
    """Return numbers in the same way."""
    return json.loads(stored(folder, f"{name}.json", key, lambda: json.dumps(make())))
