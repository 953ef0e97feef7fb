"""What steps the parameters of a torch optimizer: an optimizer of the core for each group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from typing import Any

import torch
from torch.autograd.graph import increment_version

from . import checkpoint
from .memory import check_parameter
from .settings import Settings
from .slots import Slot

Groups = Sequence[dict[str, Any]]
#: The states by parameter, as ``optimizer.state`` has them.
States = MutableMapping[torch.Tensor, dict[str, Any]]


class Engine:
    """Steps the parameters of all groups.

    Parameters
    ----------
    algorithm : type
        The class of the core's optimizer.
    slot_for : callable
        Returns the class of the slot of a parameter.
    """

    def __init__(self, algorithm: Any, slot_for: Callable[[torch.Tensor], type[Slot]]):
        self.algorithm, self.slot_for = algorithm, slot_for
        self.settings: list[Settings] = []
        self.slots: dict[torch.Tensor, Slot] = {}

    def add(self, group: dict[str, Any]) -> Settings:
        """Take over a group; raise what is wrong with it, with nothing changed."""
        slots: dict[torch.Tensor, Slot] = {}
        names = group.get("param_names")
        for i, parameter in enumerate(group["params"]):
            index = names[i] if names else len(self.slots) + i
            label = names[i] if names else f"parameter {index}"
            check_parameter(parameter, label)
            kind = self.slot_for(parameter)
            slots[parameter] = kind(index, label, len(self.settings), parameter.device)
        settings = Settings(self.algorithm, group)
        # What decays is for groups to say; by the core's rule it would follow from the names.
        settings.core.set_wd_mult({name: 1.0 for name in names or ()})
        self.settings.append(settings)
        self.slots.update(slots)
        return settings

    def step(self, groups: Groups, states: States, chosen: Sequence[list[torch.Tensor]]) -> None:
        """Update the chosen parameters of each group; where that cannot be, nothing changes."""
        has_schedule = any(settings.schedule is not None for settings in self.settings)
        num_update = self._num_update_after(chosen) if has_schedule else 0
        for settings, group in zip(self.settings, groups):
            settings.read(group, num_update)
        created: list[torch.Tensor] = []
        try:
            calls = [
                (kind, settings.core, self._call(settings.core, alike, states, created))
                for settings, parameters in zip(self.settings, chosen)
                for kind, alike in self._by_kind(parameters)
            ]
            for kind, core, call in calls:
                kind.update(core, *call)
        except BaseException:
            for parameter in created:
                states.pop(parameter, None)
            raise
        for parameters in chosen:
            increment_version([p for p in parameters if not self.slots[p].put_back(p)])

    def _by_kind(
        self, parameters: list[torch.Tensor]
    ) -> Iterable[tuple[type[Slot], list[torch.Tensor]]]:
        """Part parameters by how they are stepped."""
        found: dict[type[Slot], list[torch.Tensor]] = {}
        for parameter in parameters:
            slot = self.slots[parameter]
            if parameter.device != slot.device:
                slot = self._moved(slot, parameter)
            found.setdefault(type(slot), []).append(parameter)
        return found.items()

    def _moved(self, old: Slot, parameter: torch.Tensor) -> Slot:
        """Return the slot of a parameter that has gone to another device."""
        kind = self.slot_for(parameter)
        slot = self.slots[parameter] = kind(old.index, old.label, old.group, parameter.device)
        return slot

    def _call(
        self, core: Any, parameters: list[torch.Tensor], states: States, created: list[torch.Tensor]
    ) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        """Return what the core's `update` takes."""
        indices, weights, grads, arrays = [], [], [], []
        for parameter in parameters:
            slot = self.slots[parameter]
            slot.look_at(parameter)
            if slot.state is None or slot.state is not states.get(parameter):
                self._find_state(core, slot, parameter, states, created)
            indices.append(slot.index)
            weights.append(slot.weight)
            grads.append(slot.gradient(parameter))
            arrays.append(slot.arrays)
        return indices, weights, grads, arrays

    def _find_state(
        self,
        core: Any,
        slot: Slot,
        parameter: torch.Tensor,
        states: States,
        created: list[torch.Tensor],
    ) -> None:
        """Take over the state that somebody has put in, or create one."""
        counts = core._index_update_count
        if parameter in states:
            count, state = checkpoint.parted(core, slot, parameter, states[parameter])
            slot.adopt(state, parameter)
            if count is not None:
                counts[slot.index] = count
                core.num_update = max(core.num_update, count)
        else:
            state = slot.create_state(core, parameter)
            counts.pop(slot.index, None)
            created.append(parameter)
        states[parameter] = slot.state = state

    def _num_update_after(self, chosen: Sequence[list[torch.Tensor]]) -> int:
        """Return the core's `num_update` once all of these are updated, over all groups."""
        found = 0
        for settings, parameters in zip(self.settings, chosen):
            counts = settings.core._index_update_count
            ahead = (counts.get(self.slots[p].index, 0) + 1 for p in parameters)
            found = max(found, settings.core.num_update, *ahead)
        return found

    def completed(self, parameter: torch.Tensor, state: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of a parameter's state with its number of updates."""
        slot = self.slots[parameter]
        if slot.state is not state:  # somebody put it in, and no step has come since
            return checkpoint.complete(state)
        counts = self.settings[slot.group].core._index_update_count
        return checkpoint.complete(state, counts.get(slot.index, 0))
