"""The extension module of a package, which holds its compiled rules and the text of each.

It imports nothing, so a rule may ask for it while its package is still being imported.
"""

from __future__ import annotations

import importlib
import io
import sys
from typing import Any

#: Its name inside the package.
MODULE = "_rules"
#: How the reason begins where a package has no compiled rules.
NOT_COMPILED = "not compiled"


def qualified(module: str) -> str:
    """Return the full name of the extension module that holds the rules of `module`."""
    return f"{module.partition('.')[0]}.{MODULE}"


def find(module: str) -> tuple[Any, str]:
    """Return that extension module, or None and why there is none."""
    try:
        return importlib.import_module(qualified(module)), ""
    except ModuleNotFoundError:
        return None, NOT_COMPILED
    except ImportError as error:
        return None, f"compiled module does not load: {error}"


def compiled_lines(module: str, name: str) -> list[str]:
    """Return the lines of the rule `name` of `module` as they were when it was compiled.

    Raises
    ------
    OSError
        They are not there.
    """
    # A module that was run apart from its package must not have that imported.
    found, reason = None, NOT_COMPILED
    if module.partition(".")[0] in sys.modules:
        found, reason = find(module)
    if found is None:
        raise OSError(reason)
    table = getattr(found, "SOURCES", None)
    text = table.get(f"{module}.{name}") if isinstance(table, dict) else None
    if not isinstance(text, str):
        raise OSError("it keeps no text of the rule")
    return io.StringIO(text).readlines()  # which ends lines where a file does
