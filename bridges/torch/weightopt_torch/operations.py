"""Rules as torch's own operations, on whatever device the parameters are."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from weightopt_core.backends import cpu
from weightopt_core.errors import wording

from .memory import host_view, in_order, tensor_over
from .slots import Slot, names_of, parts_of


class DeviceSlot(Slot):
    """One parameter, stepped where it is by operations of torch."""

    #: Whether ``torch.compile`` makes one kernel of the operations.
    fused = False

    @classmethod
    def update(
        cls, core: Any, indices: Any, weights: Any, grads: Any, states: Any, **options: Any
    ) -> None:
        cls.check(core, indices, weights, grads, states)
        update(core, indices, weights, grads, states, fused=cls.fused, **options)

    @staticmethod
    def check(core: Any, indices: Any, weights: Any, grads: Any, states: Any) -> None:
        check_rule(core)
        counts = core._index_update_count
        for index in indices:
            core.constants(index, counts.get(index, 0) + 1)

    def array(self, tensor: torch.Tensor) -> torch.Tensor:
        return in_order(tensor.detach()).view(-1)

    def put_back(self, parameter: torch.Tensor) -> bool:
        return True

    def create_state(self, core: Any, parameter: torch.Tensor) -> dict[str, Any]:
        check_rule(core)
        made = parts_of(core.create_state(self.index, host_view(self.weight.cpu())))
        state = {
            name: torch.empty_like(parameter, dtype=_dtype(part), requires_grad=False)
            for name, part in zip(names_of(core._formula, len(made)), made)
        }
        for tensor, part in zip(state.values(), made):
            self.array(tensor).copy_(tensor_over(part).reshape(-1))
        self.adopt(state, parameter)
        return state

    def adopt(self, state: dict[str, torch.Tensor], parameter: torch.Tensor) -> None:
        self.arrays = tuple(map(self.array, self._placed(state, parameter)))


class CompiledSlot(DeviceSlot):
    """One parameter, stepped by operations that ``torch.compile`` fuses."""

    fused = True


def _dtype(array: np.ndarray) -> torch.dtype:
    return tensor_over(array[:0] if array.ndim else array).dtype


def check_rule(core: Any) -> None:
    """Raise where an optimizer cannot run as operations of torch."""
    name, remedy = type(core).__name__, "pass offload=True, which steps in host memory"
    if core.rule is None:
        expected = "an optimizer with a rule, for parameters on a device"
        raise TypeError(wording("optimizer", expected, f"{name}, which overrides update()", remedy))
    if core.state_dtype is not None:
        expected = "None, for parameters on a device"
        raise ValueError(wording("state_dtype", expected, repr(core.state_dtype), remedy))


def update(
    core: Any,
    indices: Sequence[Any],
    weights: Sequence[torch.Tensor],
    grads: Sequence[torch.Tensor],
    states: Sequence[tuple[torch.Tensor, ...]],
    *,
    fused: bool,
    whole: Callable[[int, list[float]], list[float]] | None = None,
) -> None:
    """Do what the core's `update` does, by operations of torch; one tensor after the other.

    Parameters
    ----------
    core : weightopt_core.Optimizer
        What has the rule, the settings and the counts.
    indices, weights, grads, states : sequence
        As for the core's `update`; tensors are dense, and of one order in memory for each index.
    fused : bool
        Whether ``torch.compile`` makes one kernel of the operations.
    whole : callable, optional
        Takes how many elements a part of an array has, and the rule's reductions of it; returns
        those of the whole array.
    """
    on = core.rule.on(torch, sqrt=root)
    targets = [
        state[-1] if len(state) > len(core.rule.states) else weight
        for weight, state in zip(weights, states)
    ]
    counts = _counted(core, indices)
    rows = _rows([core.constants(*pair) for pair in zip(indices, counts)], targets)
    each = zip(indices, counts, weights, grads, states, targets, rows)
    for index, count, weight, grad, state, target, row in each:
        has_master = target is not weight
        own = state[:-1] if has_master else state
        noise = [_noise(core, index, count, target)] if core.rule.draws else []
        if on.reductions:
            wide = [one.to(row.dtype) for one in (target, grad, *own)]
            measured = zip(on.reductions, on.measure(row, *wide))
            reduced = [float(on.reduce(name, array)) for name, array in measured]
            reduced = whole(target.numel(), reduced) if whole else reduced
            (row,) = _rows([core.constants(index, count, reduced=reduced)], [target])
        # What a rule returns as it came would be overwritten before it is stored elsewhere, and a
        # compiler may see to that even where it is copied in between.
        arrays = target, grad, *own, *noise
        passed = [None if place is None else arrays[place].clone() for place in on.passed]
        step = _step_over(on, fused, target, grad, own)
        step(row, grad, noise, target, *own)
        for values, written in zip(passed, (target, *own)):
            if values is not None:
                written.copy_(values)
        if has_master:
            weight.copy_(target)


def root(x: torch.Tensor) -> torch.Tensor:
    """Return the square root, rounded correctly.

    torch's own is not, on processors: of random numbers one in six is off in float32, one in eighty
    in float64. What ``torch.compile`` makes of it is.
    """
    if x.device.type == "cpu" and not torch.compiler.is_compiling():
        with np.errstate(all="ignore"):
            return torch.from_numpy(np.sqrt(x.numpy(), out=np.empty(x.shape, x.numpy().dtype)))
    return torch.sqrt(x.double()).to(x.dtype)


def _step(
    step: Callable[..., Any],
    row: torch.Tensor,
    grad: torch.Tensor,
    noise: list[torch.Tensor],
    *written: torch.Tensor,
) -> None:
    """Compute in the type of the constants, and write the results."""
    weight, *states = (one.to(row.dtype) for one in written)
    found = step(row, weight, grad.to(row.dtype), *states, *noise)
    for target, values in zip(written, found):
        target.copy_(values)


def _step_over(
    on: Any, fused: bool, weight: torch.Tensor, grad: torch.Tensor, states: Sequence[torch.Tensor]
) -> Callable[..., None]:
    """Return what computes a step of these tensors."""
    # A length of 0 or 1 would be compiled for itself.
    if not fused or weight.numel() < 2:
        return functools.partial(_step, on.step)
    return _compiled(on, (weight.dtype, grad.dtype, *(state.dtype for state in states)))


@functools.cache
def _compiled(on: Any, dtypes: tuple[torch.dtype, ...]) -> Callable[..., None]:
    """Return the step of a rule as one kernel, for tensors of any length and these dtypes."""
    # torch compiles a piece of code anew for other dtypes, and gives up after some times.
    code = _step.__code__.replace(co_name=f"step_of_{on.rule.name}")
    own = types.FunctionType(code, globals())
    return functools.partial(torch.compile(own, dynamic=True), on.step)


def _counted(core: Any, indices: Sequence[Any]) -> list[int]:
    """Count an update of each index, and return the counts."""
    counts = core._index_update_count
    found = []
    for index in indices:
        core._update_count(index)
        found.append(counts[index])
    return found


def _rows(
    constants: Sequence[tuple[float, ...]], likes: Sequence[torch.Tensor]
) -> list[torch.Tensor]:
    """Return the constants of each tensor in its compute type, where it is.

    Equal ones go over once, since a device may be waited for each time.
    """
    rows: dict[Any, torch.Tensor] = {}
    found = []
    for values, like in zip(constants, likes):
        compute = torch.float64 if like.dtype is torch.float64 else torch.float32
        key = np.array(values).tobytes(), compute, like.device
        if key not in rows:
            rows[key] = torch.tensor(values, dtype=torch.float64).to(compute).to(like.device)
        found.append(rows[key])
    return found


def _noise(core: Any, index: Any, count: int, like: torch.Tensor) -> torch.Tensor:
    """Return the noise of an update, which is drawn on the host."""
    compute = np.float64 if like.dtype is torch.float64 else np.float32
    made = np.empty(like.shape, compute)
    cpu.fill_normal(made, core._stepper.key(core, core.rule, index, count), 0.0, 1.0)
    return tensor_over(made).to(like.device)
