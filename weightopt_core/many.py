"""Several parameters in one call."""

from __future__ import annotations

from typing import Any

from .errors import wording


def check_lists(count: int, **lists: Any) -> None:
    """Raise ValueError where one of `lists` is no list or tuple of `count` items."""
    for name, values in lists.items():
        if not isinstance(values, (list, tuple)) or len(values) != count:
            got = f"{len(values)} of them" if hasattr(values, "__len__") else repr(values)
            raise ValueError(wording(name, f"a list of {count}, one for each index", got))
