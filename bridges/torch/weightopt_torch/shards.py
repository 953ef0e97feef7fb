"""A step of shards: each process has its own, and norms are over all of them.

A rule treats every element alike, so shards need to know nothing of one another but norms.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from weightopt_core.errors import wording
from weightopt_core.norms import total
from weightopt_core.rule import Rule

from .operations import DeviceSlot
from .slots import Slot, has_own_update


class Shards:
    """How the shards of parameters that lie alike are stepped.

    Parameters
    ----------
    kind : type
        The class of their slots.
    mesh : DeviceMesh
        The processes.
    split : tuple of int
        The dimensions of the mesh over which the parameters are split.
    """

    def __init__(self, kind: type[Slot], mesh: Any, split: tuple[int, ...]):
        self.mesh, self._key = mesh, (kind, mesh, split)
        self._rules: dict[Rule, OverShards] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shards) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def update(self, core: Any, *call: Any) -> None:
        """Step shards with an optimizer of the core; all processes of the mesh do so together."""
        self._check_optimizer(core)
        kind, rule = self._key[0], core.rule
        if not self._shares_norms(rule):
            kind.update(core, *call)
        elif issubclass(kind, DeviceSlot):
            kind.update(core, *call, whole=self._norms)
        else:
            if rule not in self._rules:
                self._rules[rule] = OverShards(rule, self)
            core._stepper.step(core, self._rules[rule], *call)

    def check(self, core: Any, *call: Any) -> None:
        """Raise what `update` would."""
        self._check_optimizer(core)
        self._key[0].check(core, *call)

    def _check_optimizer(self, core: Any) -> None:
        """Raise TypeError where an optimizer cannot step shards."""
        name = type(core).__name__
        if has_own_update(core):
            # It may look at other elements than its own, and a shard has not all of them.
            remedy = "step whole parameters, or write it as a rule"
            expected = "an optimizer that is a rule, for shards of parameters"
            got = f"{name}, which overrides update()"
            raise TypeError(wording("optimizer", expected, got, remedy))
        on_device, compiled = issubclass(self._key[0], DeviceSlot), core.rule.compiled
        if self._shares_norms(core.rule) and not on_device and compiled.kernel is None:
            remedy = "compile it with weightopt_core.build"
            expected = "a compiled rule, for norms over all shards of parameters"
            got = f"{name}, whose rule is {compiled.reason}"
            raise TypeError(wording("optimizer", expected, got, remedy))

    def _shares_norms(self, rule: Rule) -> bool:
        """Whether a step needs norms to which other processes contribute."""
        return bool(rule.lowered.norms and self._key[2])

    def sums(self, rows: np.ndarray) -> np.ndarray:
        """Return the sums, over all shards, of numbers of at least 0, rounded once."""
        for group, size in self._groups:
            own = torch.from_numpy(rows).to(self.mesh.device_type)
            parts = [torch.empty_like(own) for _ in range(size)]
            # Sums that each process forms for itself depend on no library's order.
            dist.all_gather(parts, own, group=group)
            found = np.stack([part.cpu().numpy() for part in parts], axis=-1)
            rows = np.apply_along_axis(total, -1, found)
        return rows

    def _norms(self, norms: list[float]) -> list[float]:
        """Return the norms of whole arrays, given the norms of the shards here."""
        for group, size in self._groups:
            parts: list[Any] = [None] * size
            dist.all_gather_object(parts, norms, group=group)
            norms = [
                math.nan if any(map(math.isnan, own)) else math.hypot(*own) for own in zip(*parts)
            ]
        return norms

    @functools.cached_property
    def _groups(self) -> list[tuple[Any, int]]:
        mesh, split = self.mesh, self._key[2]
        return [(mesh.get_group(i), mesh.size(i)) for i in split]


class OverShards(Rule):
    """A rule whose norms are those of whole tensors, where each process has a shard.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        The rule.
    shards : Shards
        Where the shards are.
    """

    def __init__(self, rule: Rule, shards: Shards):
        vars(self).update(vars(rule))
        self._shards = shards

    def scales(self, sums: Sequence[np.ndarray], wide: Sequence[bool]) -> np.ndarray | None:
        """Return what all processes multiply the values of tensors by."""
        return super().scales(self._summed(sums), wide) if any(wide) else None

    def with_norms(
        self, constants: Any, numbers: Any, sums: Sequence[np.ndarray], scales: np.ndarray | None
    ) -> Any:
        """Put after the constants those that depend on the norms of whole tensors."""
        return super().with_norms(constants, numbers, self._summed(sums), scales)

    def _summed(self, sums: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the sums of squares of whole tensors, the same bits in every process."""
        rows = np.array([[total(column) for column in part.T.tolist()] for part in sums])
        return [row[None] for row in self._shards.sums(rows)]
