"""Parameters that are DTensors: each process steps its own shard, and states are DTensors too.

A rule treats every element alike, so shards need to know nothing of one another, except where a
rule takes norms: these are over all shards.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch.autograd.graph import increment_version
from torch.distributed.tensor import DTensor, Replicate

from weightopt_core.errors import wording
from weightopt_core.norms import total
from weightopt_core.rule import Rule

from .operations import DeviceSlot
from .slots import Slot


class Sharded(Slot):
    """What a slot does with a DTensor, before it does with the shard what it does with a tensor.

    Parameters
    ----------
    parameter : DTensor
        The parameter.
    index, label, *others : object
        As for any slot.
    """

    def __init__(self, parameter: DTensor, index: int | str, label: str, *others: Any):
        if any(placement.is_partial() for placement in parameter.placements):
            expected, remedy = "one that is sharded or replicated", "redistribute it"
            raise TypeError(wording(label, expected, repr(parameter.placements), remedy))
        # Noise and rounding follow from the index, and those of two shards must not be equal.
        super().__init__(_index_of_shard(parameter, index), label, *others)
        self.shards = Shards(type(self), parameter.device_mesh, _split(parameter))

    @property
    def kind(self) -> Any:
        return self.shards

    def home(self, parameter: torch.Tensor) -> torch.Tensor:
        return super().home(_shard(parameter))

    def look_at(self, parameter: torch.Tensor) -> None:
        super().look_at(_shard(parameter))

    def gradient(self, parameter: torch.Tensor) -> Any:
        return super().gradient(self._with_gradient(parameter))

    def fetch(self, parameter: torch.Tensor) -> None:
        """Begin to copy the gradient, where the parameter is stepped elsewhere."""
        super().fetch(self._with_gradient(parameter))  # type: ignore[misc]

    def put_back(self, parameter: torch.Tensor) -> bool:
        local = _shard(parameter)
        if not super().put_back(local):
            increment_version(local)
        return False

    def create_state(self, core: Any, parameter: torch.Tensor) -> dict[str, Any]:
        made = super().create_state(core, _shard(parameter))
        return {name: _beside(parameter, tensor) for name, tensor in made.items()}

    def adopt(self, state: dict[str, torch.Tensor], parameter: torch.Tensor) -> None:
        local = {name: _like_shard(tensor, parameter) for name, tensor in state.items()}
        super().adopt(local, _shard(parameter))
        state.update((name, _beside(parameter, tensor)) for name, tensor in local.items())

    def copied(self, tensor: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
        if tensor.shape != parameter.shape or not isinstance(parameter, DTensor):
            return super().copied(tensor, parameter)
        local = super().copied(_like_shard(tensor, parameter), _shard(parameter))
        return _beside(parameter, local)

    def _with_gradient(self, parameter: torch.Tensor) -> torch.Tensor:
        """Return the shard as a tensor that has the gradient's shard as its gradient."""
        local, grad = _shard(parameter), parameter.grad
        if local is parameter or grad is None:
            return parameter
        if not isinstance(grad, DTensor):
            expected = f"a DTensor, as {self.label} is one"
            raise TypeError(wording("grad", expected, type(grad).__name__))
        local.grad = _like_shard(grad, parameter)
        return local


@functools.cache
def _sharded(kind: type[Slot]) -> type[Sharded]:
    return type(f"Sharded{kind.__name__}", (Sharded, kind), {})


def slot_of(kind: type[Slot], parameter: torch.Tensor) -> Any:
    """Return what makes the slot of a parameter: `kind`, or the like for a DTensor."""
    if isinstance(parameter, DTensor):
        return functools.partial(_sharded(kind), parameter)
    return kind


class Shards:
    """How the shards of parameters are stepped that lie alike.

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
        """Step shards with an optimizer of the core; all processes of the mesh do so at a time."""
        kind, _, split = self._key
        rule = core.rule
        name = type(core).__name__
        if rule is None:
            remedy = "use a rule, or step the whole parameters"
            expected = "an optimizer with a rule, for shards of parameters"
            got = f"{name}, which overrides update()"
            raise TypeError(wording("optimizer", expected, got, remedy))
        if not rule.lowered.norms or not split:
            kind.update(core, *call)
        elif issubclass(kind, DeviceSlot):
            kind.update(core, *call, whole=self._norms)
        elif rule.compiled.kernel is None:
            remedy = "compile it with weightopt_core.build"
            expected = "a compiled rule, for norms over all shards of parameters"
            got = f"{name}, whose rule is {rule.compiled.reason}"
            raise TypeError(wording("optimizer", expected, got, remedy))
        else:
            if rule not in self._rules:
                self._rules[rule] = OverShards(rule, self)
            core._stepper.step(core, self._rules[rule], *call)

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
        """Return the norms of whole arrays, given those of the shards here."""
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


def _split(parameter: DTensor) -> tuple[int, ...]:
    """Return the dimensions of the mesh over which a parameter is split."""
    placements = enumerate(parameter.placements)
    return tuple(i for i, placement in placements if not placement.is_replicate())


def _index_of_shard(parameter: DTensor, index: int | str) -> int | str:
    """Return an index that no other shard has; the first has that of the whole parameter."""
    at = parameter.device_mesh.get_coordinate() or []
    own = [at[i] for i in _split(parameter) if at]
    suffix = f"[{','.join(map(str, own))}]"
    return f"{index}{suffix}" if any(own) and not str(index).endswith(suffix) else index


def _shard(tensor: torch.Tensor) -> torch.Tensor:
    """Return the shard of this process, over the same memory."""
    return tensor.to_local().detach() if isinstance(tensor, DTensor) else tensor


def _like_shard(tensor: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """Return what belongs to the shard of a parameter, of a tensor that has the whole's shape."""
    if not isinstance(parameter, DTensor) or tensor.shape != parameter.shape:
        return tensor
    mesh, placements = parameter.device_mesh, parameter.placements
    if not isinstance(tensor, DTensor):
        everywhere = [Replicate()] * mesh.ndim
        tensor = DTensor.from_local(tensor.detach(), mesh, everywhere, run_check=False)
    if tensor.placements != placements or tensor.device_mesh != mesh:
        tensor = tensor.redistribute(mesh, placements)
    return _shard(tensor)


def _beside(parameter: torch.Tensor, local: torch.Tensor) -> torch.Tensor:
    """Return a DTensor that lies as a parameter does, over the memory of its shard."""
    if not isinstance(parameter, DTensor) or local.shape != _shard(parameter).shape:
        return local
    return DTensor.from_local(
        local,
        parameter.device_mesh,
        parameter.placements,
        run_check=False,
        shape=parameter.shape,
        stride=parameter.stride(),
    )
