"""From what a user passes as `params` to parameter groups."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import torch

from weightopt_core.errors import wording


def grouped(params: Any, groups: Mapping[str, Mapping[str, Any]] | None) -> Any:
    """Return parameter groups for torch.

    Parameters
    ----------
    params : module, iterable of tensor, of (name, tensor), or of dict
        What is to be trained.
    groups : dict of str to dict, optional
        Settings by pattern of names, as in `fnmatch`; alternatives are parted by ``|``. The first
        pattern that fits a name holds. What no pattern fits has the settings of the optimizer.

    Raises
    ------
    TypeError
        There are patterns, and the parameters have no names.
    ValueError
        No name fits a pattern.
    """
    if isinstance(params, torch.nn.Module):
        params = params.named_parameters()
    if not isinstance(params, torch.Tensor):
        params = list(params)
    if groups is None:
        return params
    if not isinstance(groups, Mapping):
        raise TypeError(wording("groups", "a dict of pattern to settings", repr(groups)))
    named = isinstance(params, list) and all(isinstance(entry, tuple) for entry in params)
    if not named:
        remedy = "pass the module, or module.named_parameters()"
        raise TypeError(wording("params", "parameters with names for groups", "none", remedy))
    members: dict[str, list[Any]] = {pattern: [] for pattern in groups}
    rest: list[Any] = []
    for name, parameter in params:
        fits = (p for p in groups if any(fnmatchcase(name, one) for one in p.split("|")))
        members.get(next(fits, ""), rest).append((name, parameter))
    for pattern, found in members.items():
        if not found:
            names = ", ".join(name for name, _ in params[:8])
            raise ValueError(wording("groups", f"a name that fits {pattern!r}", f"{names}, ..."))
    chosen = [{**settings, "params": members[pattern]} for pattern, settings in groups.items()]
    return [*([{"params": rest}] if rest else []), *chosen]
