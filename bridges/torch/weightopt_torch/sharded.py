"""Parameters that are DTensors: each process steps its own shard, and states are DTensors too."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch.autograd.graph import increment_version
from torch.distributed.tensor import DTensor, Replicate

from weightopt_core.errors import wording

from .memory import check_gradient
from .shards import Shards
from .slots import Slot, quantizes


class Sharded(Slot):
    """What a slot does with a DTensor, before it treats the shard like any tensor.

    Parameters
    ----------
    parameter : DTensor
        The parameter.
    index, label, *others : object
        As for any slot.
    """

    #: To DTensor.contiguous() such a shard is as it should be.
    contiguous = (
        "make the shard contiguous: DTensor.from_local(parameter.to_local().contiguous(), "
        "parameter.device_mesh, parameter.placements, shape=parameter.shape, "
        "stride=parameter.stride())"
    )

    def __init__(self, parameter: DTensor, index: int | str, label: str, *others: Any):
        check_placements(parameter, label)
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

    def check_form(self, core: Any, parameter: torch.Tensor) -> None:
        if quantizes(core):
            expected, got = "None or 'bfloat16', for sharded parameters", repr(core.state_dtype)
            raise ValueError(wording("state_dtype", expected, got, "a row of bytes has no shards"))

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
        check_gradient(grad, parameter)
        local.grad = _like_shard(grad, parameter)
        return local


@functools.cache
def _sharded(kind: Any) -> type[Sharded]:
    return type(f"Sharded{kind.__name__}", (Sharded, kind), {})


def slot_of(kind: Any, parameter: torch.Tensor) -> Any:
    """Return what makes the slot of a parameter: `kind`, or the like for a DTensor."""
    if isinstance(parameter, DTensor):
        return functools.partial(_sharded(kind), parameter)
    return kind


def check_placements(parameter: DTensor, label: str) -> None:
    """Raise TypeError for a DTensor whose elements are sums over processes."""
    if any(placement.is_partial() for placement in parameter.placements):
        expected, remedy = "one that is sharded or replicated", "redistribute it"
        raise TypeError(wording(label, expected, repr(parameter.placements), remedy))


def laid_like(parameter: DTensor, values: torch.Tensor) -> torch.Tensor:
    """Return values of the whole as a DTensor that lies as the parameter does."""
    # A copy, since a view would keep the whole alive.
    return _beside(parameter, _like_shard(values, parameter).clone())


def _split(parameter: DTensor) -> tuple[int, ...]:
    """Return the dimensions of the mesh over which a parameter is split."""
    placements = enumerate(parameter.placements)
    return tuple(i for i, placement in placements if not placement.is_replicate())


def _index_of_shard(parameter: DTensor, index: int | str) -> int | str:
    """Return an index that no other shard has; the first shard has the whole parameter's."""
    at: Any = parameter.device_mesh.get_coordinate() or []
    own = [at[i] for i in _split(parameter) if at]
    suffix = f"[{','.join(map(str, own))}]"
    return f"{index}{suffix}" if any(own) and not str(index).endswith(suffix) else index


def _shard(tensor: torch.Tensor) -> torch.Tensor:
    """Return the shard of this process, over the same memory."""
    return tensor.to_local().detach() if isinstance(tensor, DTensor) else tensor


def _like_shard(tensor: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """Return the part of a tensor of the whole's shape that belongs to a parameter's shard."""
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
