"""What the optimizer keeps of each parameter: its index, its arrays, its state."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from weightopt_core.errors import wording

from .memory import (
    STORAGE,
    as_laid_out,
    check_dense,
    check_gradient,
    host_view,
    in_order,
    tensor_over,
)

#: The name of the float32 copy of a 16-bit weight in a parameter's state.
MASTER = "master"
#: The name of the number of updates in a parameter's state, as in torch.
STEP = "step"


class Slot:
    """One parameter in host memory.

    Parameters
    ----------
    index : int or str
        What identifies the parameter in the core: its name, or its number where it has none.
    label : str
        What messages call it.
    """

    def __init__(self, index: int | str, label: str):
        self.index, self.label = index, label
        #: Where the parameter lies, and how; what follows from it is formed anew where it moves.
        self.place: Any = None
        self.weight: Any = None
        #: The dict of tensors in ``optimizer.state`` that `arrays` were formed from.
        self.state: dict[str, Any] | None = None
        self.arrays: Any = None

    def look_at(self, parameter: torch.Tensor) -> None:
        """See to it that `weight` is the memory that the parameter has."""
        place = parameter.data_ptr(), parameter.stride()
        if place != self.place:
            check_dense(parameter, self.label)
            self.weight = host_view(in_order(parameter))
            self.place = place
            # Whether the state fits is looked at again.
            self.state = None

    def gradient(self, parameter: torch.Tensor, grad: torch.Tensor) -> np.ndarray:
        """Return the gradient as an array in the order of the weight's."""
        if grad.layout is not torch.strided:
            check_gradient(grad)
        return host_view(in_order(as_laid_out(grad, parameter)))

    def put_back(self, parameter: torch.Tensor) -> None:
        """Let the parameter have what was computed."""

    def create_state(self, core: Any, parameter: torch.Tensor) -> dict[str, Any]:
        """Return the tensors of a new state by name."""
        state = core.create_state(self.index, self.weight)
        names = [] if core.rule is None else list(core.rule.states)
        parts = () if state is None else state if isinstance(state, tuple) else (state,)
        self.arrays = state
        return {
            name: _like(tensor_over(part), parameter)
            for name, part in zip(names_of(names, len(parts)), parts)
        }

    def adopt(self, state: dict[str, torch.Tensor], parameter: torch.Tensor) -> None:
        """Take over the tensors of a state, which were checked."""
        arrays = tuple(host_view(in_order(as_laid_out(t, parameter))) for t in state.values())
        self.arrays = arrays if len(arrays) > 1 else arrays[0] if arrays else None


def names_of(names: list[str], count: int) -> list[str]:
    """Return names for `count` arrays of a state: those of the rule, and then the master copy."""
    if count == len(names):
        return names
    if count == len(names) + 1:
        return [*names, MASTER]
    return [f"state{i}" for i in range(count)]


def _like(tensor: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """Return an array's tensor with the shape and strides of the parameter."""
    if tensor.numel() == parameter.numel():
        return tensor.as_strided(parameter.shape, parameter.stride())
    return tensor
