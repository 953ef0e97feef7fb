"""Ways of stepping a parameter: which exclude one another, and which slot each takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from weightopt_core.errors import wording

from .offload import OffloadedSlot
from .operations import CompiledSlot, DeviceSlot
from .slots import Slot


def check_ways(compile: Any, offload: Any, step_in_backward: Any) -> None:
    """Raise where ways of stepping are unknown, or exclude one another."""
    for name, value, known in (
        ("compile", compile, (None, False, True)),
        ("offload", offload, (False, True)),
        ("step_in_backward", step_in_backward, (False, True)),
    ):
        if not any(value is one for one in known):
            raise TypeError(wording(name, " or ".join(map(str, known)), repr(value)))
    if offload and compile is not None:
        remedy = "leave one of them out"
        raise ValueError(wording("compile", "None with offload", repr(compile), remedy))


def slot_for(compile: bool | None, offload: bool, parameter: torch.Tensor) -> Callable[..., Slot]:
    """Return what makes the slot of a parameter: how it is stepped."""
    kind = _kind_for(compile, offload, parameter)
    if not hasattr(parameter, "device_mesh"):
        return kind
    from .sharded import slot_of  # what it imports takes long, and not every build of torch has it

    return slot_of(kind, parameter)


def _kind_for(compile: bool | None, offload: bool, parameter: torch.Tensor) -> type[Slot]:
    if offload:
        return OffloadedSlot
    if compile is None and parameter.device.type in ("cpu", "meta"):
        return Slot
    return CompiledSlot if compile else DeviceSlot
