"""How an initializer is written down: its name and its arguments, as JSON or as a dict."""

from __future__ import annotations

from typing import Any

from ..errors import wording
from ..written import is_json, parsed


def read(initializer: Any) -> Any:
    """Return what JSON text stands for; a plain name, and what is no text, as it is."""
    if not isinstance(initializer, str) or not is_json(initializer):
        return initializer
    try:
        return parsed(initializer)
    except (ValueError, RecursionError) as error:
        got = repr(initializer)
        raise ValueError(wording("initializer", "a name or JSON", got, str(error))) from None


def named(initializer: Any) -> tuple[str, dict[str, Any]] | None:
    """Return the name and the arguments that a dict or a list has; None where it has none."""
    if isinstance(initializer, dict) and isinstance(initializer.get("initializer"), str):
        rest = {key: value for key, value in initializer.items() if key != "initializer"}
        return initializer["initializer"], rest
    if isinstance(initializer, list) and len(initializer) == 2 and isinstance(initializer[1], dict):
        return initializer[0], initializer[1]
    return None
