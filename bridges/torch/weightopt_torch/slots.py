"""What the optimizer keeps of each parameter: its index, its arrays, its state."""

from __future__ import annotations

from typing import Any

import torch

from weightopt_core import Optimizer
from weightopt_core.errors import wording

from .memory import as_laid_out, check_dense, check_gradient, host_view, in_order, tensor_over

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
    device : torch.device
        Where the parameter is.

    Attributes
    ----------
    weight : array
        The parameter as the core takes it.
    state : dict of str to tensor, or None
        What ``optimizer.state`` had when `arrays` was formed from it.
    arrays : None, array or tuple of array
        The state as the core takes it.
    """

    #: What to do about a parameter whose memory has gaps.
    contiguous = "make it contiguous: parameter.data = parameter.data.contiguous()"

    def __init__(self, index: int | str, label: str, group: int, device: torch.device):
        self.index, self.label, self.group, self.device = index, label, group, device
        self.weight: Any = None
        self.state: dict[str, Any] | None = None
        self.arrays: Any = None
        #: The number of updates, in the memory of the state's tensor of that name.
        self.count: Any = None
        #: Where the weight lies, and how; what follows from it is formed anew where it moves.
        self._place: Any = None

    @property
    def kind(self) -> Any:
        """What steps parameters of such slots, and compares equal where it can do so at once."""
        return type(self)

    @staticmethod
    def update(core: Any, indices: Any, weights: Any, grads: Any, states: Any) -> None:
        """Step parameters of such slots with an optimizer of the core."""
        core.update(indices, weights, grads, states)

    @staticmethod
    def check(core: Any, indices: Any, weights: Any, grads: Any, states: Any) -> None:
        """Raise what `update` would, as far as it can be told ahead."""
        if not has_own_update(core):
            core._stepper.check(core, core.rule, indices, weights, grads, states)

    def home(self, parameter: torch.Tensor) -> torch.Tensor:
        """Return the tensor that is stepped; states lie where it does."""
        return parameter

    def array(self, tensor: torch.Tensor) -> Any:
        """Return a dense tensor as the core takes it, in the order that its memory has."""
        return host_view(in_order(tensor))

    def look_at(self, parameter: torch.Tensor) -> None:
        """See to it that `weight` is what the parameter has."""
        home = self.home(parameter)
        place = home.data_ptr(), home.shape, home.stride()
        if place != self._place:
            check_dense(home, self.label, self.contiguous)
            self.weight = self.array(home)
            self._place = place
            # Whether the state fits is looked at again.
            self.state = None

    def gradient(self, parameter: torch.Tensor) -> Any:
        """Return the gradient as the core takes it, in the order of the weight's."""
        grad: Any = parameter.grad
        check_gradient(grad, parameter)
        return self.array(as_laid_out(grad, parameter))

    def put_back(self, parameter: torch.Tensor) -> bool:
        """Let the parameter have what was computed; whether autograd knows of it already."""
        return False

    def check_form(self, core: Any, parameter: torch.Tensor) -> None:
        """Raise ValueError where no state of the form that `core` keeps goes with a parameter."""
        if quantizes(core) and not self.home(parameter).is_contiguous():
            # No tensor says in which order its elements were.
            expected = f"a contiguous parameter with state_dtype={core.state_dtype!r}"
            got = f"strides {tuple(parameter.stride())} for shape {tuple(parameter.shape)}"
            raise ValueError(wording(self.label, expected, got, self.contiguous))

    def create_state(self, core: Any, parameter: torch.Tensor) -> dict[str, Any]:
        """Return the tensors of a new state by name."""
        self.check_form(core, parameter)
        home = self.home(parameter)
        self.arrays = core.create_state(self.index, self.weight)
        parts = parts_of(self.arrays)
        names = names_of(core._formula, len(parts))
        return {name: _like(tensor_over(part), home) for name, part in zip(names, parts)}

    def adopt(self, state: dict[str, torch.Tensor], parameter: torch.Tensor) -> None:
        """Take over the tensors of a state, which were checked."""
        tensors = self._placed(state, parameter)
        arrays = tuple(map(self.array, tensors))
        self.arrays = arrays if len(arrays) > 1 else arrays[0] if arrays else None

    def _placed(
        self, state: dict[str, torch.Tensor], parameter: torch.Tensor
    ) -> list[torch.Tensor]:
        """Return the tensors of a state, laid out as the weight is; they are where it is."""
        home = self.home(parameter)
        for name, tensor in state.items():
            if tensor.device != home.device:
                got, remedy = str(tensor.device), "create the optimizer after the module has moved"
                argument = f"device of {name!r} in state of {self.label}"
                raise ValueError(wording(argument, str(home.device), got, remedy))
            if tensor.shape == home.shape and tensor.stride() != home.stride():
                state[name] = as_laid_out(tensor, home)
        return [*state.values()]

    def copied(self, tensor: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
        """Return a copy of a state's tensor where such states lie."""
        if tensor.shape != parameter.shape:
            return tensor.detach().clone()
        home = self.home(parameter)
        return torch.empty_like(home, dtype=tensor.dtype, requires_grad=False).copy_(tensor)


def quantizes(core: Any) -> bool:
    """Whether the states of an optimizer are rows of bytes, and not of the parameter's shape."""
    return core.state_dtype == "int8" and core.rule is not None and bool(core.rule.states)


def has_own_update(core: Any) -> bool:
    """Whether an optimizer computes its updates by code of its own, and not by a rule alone."""
    return type(core).update is not Optimizer.update


def parts_of(state: Any) -> tuple[Any, ...]:
    """Return the arrays of a state of the core."""
    return () if state is None else state if isinstance(state, tuple) else (state,)


def names_of(formula: Any, count: int) -> list[str]:
    """Return names for `count` arrays of a state: the formula's own, then the master copy's."""
    names = [] if formula is None else [*formula.states]
    if formula is None or count not in (len(names), len(names) + 1):
        return [f"state{i}" for i in range(count)]
    return [*names, MASTER][:count]


def _like(tensor: torch.Tensor, home: torch.Tensor) -> torch.Tensor:
    """Return an array's tensor with the shape and strides of the parameter."""
    if tensor.numel() != home.numel() or tensor.dtype is torch.uint8:
        return tensor
    return tensor.as_strided(home.shape, home.stride())
