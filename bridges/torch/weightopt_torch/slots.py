"""What the optimizer keeps of each parameter: its index, its arrays, its state."""

from __future__ import annotations

from typing import Any

import torch

from .memory import as_laid_out, check_dense, host_view, in_order, tensor_over

#: The name of the float32 copy of a 16-bit weight in a parameter's state.
MASTER = "master"
#: The name of the number of updates in a parameter's state, as in torch.
STEP = "step"


class Slot:
    """One parameter, stepped where it is, in host memory.

    Parameters
    ----------
    index : int or str
        What identifies the parameter in the core: its name, or its number where it has none.
    label : str
        What messages call it.
    group : int
        The number of its parameter group.

    Attributes
    ----------
    weight : array
        The parameter as the core takes it.
    state : dict of str to tensor, or None
        What ``optimizer.state`` had when `arrays` was formed from it.
    arrays : None, array or tuple of array
        The state as the core takes it.
    """

    def __init__(self, index: int | str, label: str, group: int):
        self.index, self.label, self.group = index, label, group
        self.weight: Any = None
        self.state: dict[str, Any] | None = None
        self.arrays: Any = None
        #: Where the weight lies, and how; what follows from it is formed anew where it moves.
        self._place: Any = None

    def home(self, parameter: torch.Tensor) -> torch.Tensor:
        """Return the tensor that is stepped; states lie where it does."""
        return parameter

    def look_at(self, parameter: torch.Tensor) -> None:
        """See to it that `weight` is what the parameter has."""
        home = self.home(parameter)
        place = home.data_ptr(), home.stride()
        if place != self._place:
            check_dense(home, self.label)
            self.weight = host_view(in_order(home))
            self._place = place
            # Whether the state fits is looked at again.
            self.state = None

    def gradient(self, parameter: torch.Tensor) -> Any:
        """Return the gradient as the core takes it, in the order of the weight's."""
        grad: Any = parameter.grad
        return host_view(in_order(as_laid_out(grad, parameter)))

    def put_back(self, parameter: torch.Tensor) -> bool:
        """Let the parameter have what was computed; whether autograd knows of it already."""
        return False

    def create_state(self, core: Any, parameter: torch.Tensor) -> dict[str, Any]:
        """Return the tensors of a new state by name."""
        home = self.home(parameter)
        self.arrays = core.create_state(self.index, self.weight)
        parts = parts_of(self.arrays)
        names = names_of(core.rule, len(parts))
        return {name: _like(tensor_over(part), home) for name, part in zip(names, parts)}

    def adopt(self, state: dict[str, torch.Tensor], parameter: torch.Tensor) -> None:
        """Take over the tensors of a state, which were checked."""
        home = self.home(parameter)
        arrays = tuple(host_view(in_order(as_laid_out(one, home))) for one in state.values())
        self.arrays = arrays if len(arrays) > 1 else arrays[0] if arrays else None

    def copied(self, tensor: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
        """Return a copy of a state's tensor where such states lie."""
        if tensor.shape != parameter.shape:
            return tensor.detach().clone()
        home = self.home(parameter)
        return torch.empty_like(home, dtype=tensor.dtype, requires_grad=False).copy_(tensor)


def parts_of(state: Any) -> tuple[Any, ...]:
    """Return the arrays of a state of the core."""
    return () if state is None else state if isinstance(state, tuple) else (state,)


def names_of(rule: Any, count: int) -> list[str]:
    """Return names for `count` arrays of a state: those of the rule, and then the master copy."""
    names = [] if rule is None else [*rule.states]
    if rule is None or count not in (len(names), len(names) + 1):
        return [f"state{i}" for i in range(count)]
    return [*names, MASTER][:count]


def _like(tensor: torch.Tensor, home: torch.Tensor) -> torch.Tensor:
    """Return an array's tensor with the shape and strides of the parameter."""
    if tensor.numel() != home.numel():
        return tensor
    return tensor.as_strided(home.shape, home.stride())
