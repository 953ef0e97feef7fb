"""Several parameters in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import wording


def as_lists(indices: Sequence[Any], **lists: Any) -> list[tuple[Any, ...]]:
    """Return the items of equally long lists together; `indices` must not repeat."""
    for name, values in lists.items():
        if not isinstance(values, (list, tuple)) or len(values) != len(indices):
            got = f"{len(values)} of them" if hasattr(values, "__len__") else repr(values)
            raise ValueError(wording(name, f"a list of {len(indices)}, one for each index", got))
    if len(set(indices)) != len(indices):
        raise ValueError(wording("index", "different indices", repr(list(indices))))
    return list(zip(*lists.values()))
