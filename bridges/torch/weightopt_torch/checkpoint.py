"""What a state_dict holds, and whether one that comes belongs here."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from weightopt_core.backends.states import quantized_size
from weightopt_core.dtypes import dtype_of
from weightopt_core.errors import wording

from .memory import STORAGE, tensor_over
from .settings import ALGORITHM, Settings, check_complete
from .slots import STEP, Slot, names_of, parts_of


class AsItIs:
    """A tensor that torch's `load_state_dict` does not cast to the dtype of its parameter."""

    def __init__(self, tensor: torch.Tensor):
        self.tensor = tensor


def wrapped(state: Any) -> Any:
    """Return a state in which no tensor is cast."""
    if not isinstance(state, Mapping):
        return state
    return {
        key: AsItIs(value) if isinstance(value, torch.Tensor) else value
        for key, value in state.items()
    }


def unwrapped(state: Any, slot: Slot, parameter: torch.Tensor) -> Any:
    """Return copies of the tensors of a state, where the parameter's states lie."""
    if not isinstance(state, Mapping):
        return state
    return {
        key: slot.copied(value.tensor, parameter) if isinstance(value, AsItIs) else value
        for key, value in state.items()
    }


def copied(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state with copies of its tensors."""
    return {
        key: value.detach().clone() if isinstance(value, torch.Tensor) else value
        for key, value in state.items()
    }


def expected_parts(core: Any, slot: Slot, parameter: torch.Tensor) -> dict[str, torch.dtype] | None:
    """Return name and dtype of each tensor of a state; None where only its own code knows."""
    if core.rule is None:
        return None
    example = np.zeros(1, dtype_of(STORAGE[parameter.dtype]))
    state = core.create_state(slot.index, example)
    parts = parts_of(state)
    names = names_of(core._formula, len(parts))
    return {name: tensor_over(part).dtype for name, part in zip(names, parts)}


def parted(
    core: Any, slot: Slot, parameter: torch.Tensor, state: Any
) -> tuple[int | None, dict[str, Any]]:
    """Return the number of updates that a state holds, or None, and its tensors; check both.

    Raises
    ------
    TypeError, ValueError
        It is not a state of this optimizer, or not one of this parameter.
    """
    argument = f"state of {slot.label}"
    if not isinstance(state, Mapping):
        raise TypeError(wording(argument, "a dict of tensors", type(state).__name__))
    tensors = {key: value for key, value in state.items() if key != STEP}
    count = count_of(state, slot.label)
    slot.check_form(core, parameter)
    expected = expected_parts(core, slot, parameter)
    if expected is not None and tensors.keys() != expected.keys():
        words = ", ".join(expected) or "no tensor"
        remedy = f"load what was saved from {type(core).__name__} with the same settings"
        raise ValueError(wording(argument, words, ", ".join(map(str, tensors)) or "none", remedy))
    for key in expected or tensors:
        _check_tensor(f"{key!r} in {argument}", tensors[key], parameter, (expected or {}).get(key))
    return count, {key: tensors[key] for key in expected or tensors}


def _check_tensor(argument: str, tensor: Any, parameter: torch.Tensor, dtype: Any) -> None:
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(wording(argument, "a tensor", type(tensor).__name__))
    if hasattr(tensor, "device_mesh") and not hasattr(parameter, "device_mesh"):
        expected, remedy = "a plain tensor, as the parameter is one", "load full_tensor() of it"
        raise TypeError(wording(argument, expected, type(tensor).__name__, remedy))
    if dtype is None:
        return
    if tensor.dtype is not dtype:
        remedy = "create the optimizer with the multi_precision and state_dtype that it had"
        raise TypeError(wording(f"dtype of {argument}", f"{dtype}", f"{tensor.dtype}", remedy))
    shape = tuple(parameter.shape)
    if dtype is torch.uint8:
        shape = (quantized_size(parameter.numel()),)
    if tensor.shape != shape:
        remedy = "reshape the state too, or delete it: optimizer.state.pop(parameter)"
        raise ValueError(wording(f"shape of {argument}", f"{shape}", f"{(*tensor.shape,)}", remedy))


def count_of(state: Any, label: str) -> int | None:
    """Return the number of updates that a state holds; None where it holds none."""
    if not (isinstance(state, Mapping) and STEP in state):
        return None
    return _count(state[STEP], f"state of {label}")


def _count(step: Any, argument: str) -> int:
    """Return a number of updates; torch keeps some as floating-point tensors."""
    value = step.item() if isinstance(step, torch.Tensor) and step.numel() == 1 else step
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        count = operator.index(value)
    except TypeError:
        count = -1
    if not 0 <= count <= 4 * 10**18:
        raise ValueError(
            wording(f"{STEP!r} in {argument}", "an integer from 0 to 4e18", repr(step))
        )
    return count


def completed(optimizer: Any, state_dict: dict[str, Any]) -> dict[str, Any]:
    """Put into a `state_dict` what torch's own lacks: seeds, and tensors of its own."""
    states = state_dict["state"]
    for settings, packed in zip(optimizer._engine.settings, state_dict["param_groups"]):
        packed.update(settings.seed())
    states.update({number: copied(state) for number, state in states.items()})
    return state_dict


def by_parameter(optimizer: Any) -> dict[str, Any]:
    """Return states and groups as `completed` does, but by parameter, for copies and pickles."""
    engine, states = optimizer._engine, optimizer.state
    engine.follow(optimizer.param_groups)
    pairs = zip(optimizer.param_groups, engine.settings)
    groups = [{**group, **settings.seed()} for group, settings in pairs]
    found = type(states)(dict)
    found.update((p, copied(states[p])) for p in engine.slots if p in states)
    return {"param_groups": groups, "state": found}


def checked(optimizer: Any, state_dict: Any) -> dict[str, Any]:
    """Return a `state_dict` whose tensors torch does not cast, or raise what is wrong with it."""
    _check_whole(optimizer.algorithm, state_dict)
    optimizer._engine.follow(optimizer.param_groups)
    states = dict(state_dict["state"])
    for group, mine in zip(state_dict["param_groups"], optimizer.param_groups):
        core = Settings(optimizer.algorithm, group).core
        for number, parameter in zip(group["params"], mine["params"]):
            if number in states:
                parted(core, optimizer._engine.slots[parameter], parameter, states[number])
    return {**state_dict, "state": {key: wrapped(one) for key, one in states.items()}}


def check_is_dict(algorithm: Any, state_dict: Any) -> None:
    """Raise where something else came for a state_dict."""
    if not isinstance(state_dict, Mapping):
        expected = f"one of {algorithm.__name__} of weightopt"
        raise TypeError(wording("state_dict", expected, type(state_dict).__name__))


def _check_whole(algorithm: Any, state_dict: Mapping[str, Any]) -> None:
    """Raise where a state_dict was not made by an optimizer of this algorithm."""
    expected = f"one of {algorithm.__name__} of weightopt"
    groups = state_dict.get("param_groups")
    has_groups = isinstance(groups, (list, tuple)) and all(
        isinstance(group, Mapping) and "params" in group for group in groups
    )
    if not (has_groups and isinstance(state_dict.get("state"), Mapping)):
        raise TypeError(wording("state_dict", expected, "a dict without state and param_groups"))
    for group in state_dict["param_groups"]:
        found = group.get(ALGORITHM)
        if found != algorithm.__name__:
            got = f"one of {found}" if found else "one of another optimizer"
            raise ValueError(
                wording("state_dict", expected, got, "load it into what it was saved from")
            )
        check_complete(algorithm, group, "state_dict", "save it anew with this version")
