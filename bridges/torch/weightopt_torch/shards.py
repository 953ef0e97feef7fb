"""A step of shards: each process has its own, and reductions are over all of them.

A rule treats every element alike, so shards need to know nothing of one another but reductions.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from weightopt_core.errors import wording
from weightopt_core.reductions import TOTAL, Reduction
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
        if not self._reduces(rule):
            kind.update(core, *call)
        elif issubclass(kind, DeviceSlot):
            kind.update(core, *call, whole=functools.partial(self._whole, rule.lowered.reductions))
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
        if self._reduces(core.rule) and not on_device and compiled.kernel is None:
            remedy = "compile it with weightopt_core.build"
            expected = "a compiled rule, for norms and the like over all shards of parameters"
            got = f"{name}, whose rule is {compiled.reason}"
            raise TypeError(wording("optimizer", expected, got, remedy))

    def _reduces(self, rule: Rule) -> bool:
        """Whether a step needs reductions to which other processes contribute."""
        return bool(rule.lowered.reductions and self._key[2])

    def joined(self, reductions: Sequence[Reduction], rows: np.ndarray) -> np.ndarray:
        """Return for all shards what each reduction, a column of `rows`, has for those here."""
        for group, size in self._groups:
            own = torch.from_numpy(rows).to(self.mesh.device_type)
            parts = [torch.empty_like(own) for _ in range(size)]
            # Sums that each process forms for itself depend on no library's order.
            dist.all_gather(parts, own, group=group)
            found = np.stack([part.cpu().numpy() for part in parts]).T.tolist()
            rows = np.array(
                [list(map(one.join, column)) for one, column in zip(reductions, found)]
            ).T.copy()
        return rows

    def _whole(
        self, reductions: Sequence[Reduction], count: int, reduced: list[float]
    ) -> list[float]:
        """Return the reductions of a whole array, given those of the shard here."""
        for group, size in self._groups:
            parts: list[Any] = [None] * size
            dist.all_gather_object(parts, (count, reduced), group=group)
            counts, values = zip(*parts)
            reduced = [one.merge(each, counts) for one, each in zip(reductions, zip(*values))]
            count = sum(counts)
        return reduced

    @functools.cached_property
    def _groups(self) -> list[tuple[Any, int]]:
        mesh, split = self.mesh, self._key[2]
        return [(mesh.get_group(i), mesh.size(i)) for i in split]


class OverShards(Rule):
    """A rule whose reductions are those of whole tensors, where each process has a shard.

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

    def scales(self, parts: Sequence[np.ndarray], wide: Sequence[bool]) -> np.ndarray | None:
        """Return what all processes multiply the values of tensors by."""
        if not any(wide):
            return None
        return super().scales(self._joined(parts, [0] * len(parts))[0], wide)

    def with_results(
        self,
        constants: Any,
        numbers: Any,
        parts: Sequence[np.ndarray],
        scales: np.ndarray | None,
        counts: Sequence[int],
    ) -> Any:
        """Put after the constants those that depend on the reductions of whole tensors."""
        parts, counts = self._joined(parts, counts)
        return super().with_results(constants, numbers, parts, scales, counts)

    def _joined(
        self, parts: Sequence[np.ndarray], counts: Sequence[int]
    ) -> tuple[list[np.ndarray], list[int]]:
        """Return parts and counts of whole tensors, the same bits in every process."""
        reductions = self.lowered.reductions
        rows = [
            [*(one.join(each) for one, each in zip(reductions, part.T.tolist())), float(count)]
            for part, count in zip(parts, counts)
        ]
        joined = self._shards.joined([*reductions, TOTAL], np.array(rows))
        return [row[None, :-1] for row in joined], [int(row[-1]) for row in joined]
