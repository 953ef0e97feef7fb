"""What steps the parameters of a torch optimizer: an optimizer of the core for each group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from typing import Any

import torch
from torch.autograd.graph import increment_version

from weightopt_core.errors import wording

from . import checkpoint
from .callers import asks_for_states, numbers_in_job
from .calls import Call, step_all
from .memory import check_parameter
from .settings import Settings
from .slots import STEP, Slot

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
        Returns what makes the slot of a parameter.
    """

    def __init__(self, algorithm: Any, slot_for: Callable[[torch.Tensor], Callable[..., Slot]]):
        self.algorithm, self.slot_for = algorithm, slot_for
        self.settings: list[Settings] = []
        self.slots: dict[torch.Tensor, Slot] = {}
        #: The list of each group's parameters.
        self._members: list[list[torch.Tensor]] = []

    def add(self, group: dict[str, Any]) -> Settings:
        """Take over a group; raise what is wrong with it, with nothing changed."""
        slots: dict[torch.Tensor, Slot] = {}
        names, numbers = group.get("param_names"), numbers_in_job()
        if names and len(names) != len(group["params"]):
            expected, got = f"{len(group['params'])}, as there are parameters", str(len(names))
            raise ValueError(wording("param_names of a group", expected, got, "leave them out"))
        for i, parameter in enumerate(group["params"]):
            index = names[i] if names else numbers.get(parameter, len(self.slots) + i)
            label = names[i] if names else f"parameter {index}"
            check_parameter(parameter, label)
            kind = self.slot_for(parameter)
            slots[parameter] = kind(index, label, len(self.settings), parameter.device)
        settings = Settings(self.algorithm, group)
        settings.agree(group)
        _let_decay(settings.core, slots.values())
        self.settings.append(settings)
        self.slots.update(slots)
        self._members.append(group["params"])
        return settings

    def follow(self, groups: Groups) -> None:
        """Take over the parameters that somebody has put in the place of a group's own."""
        if len(groups) != len(self._members):
            expected, remedy = f"{len(self._members)} groups", "add one by add_param_group alone"
            raise ValueError(wording("param_groups", expected, str(len(groups)), remedy))
        for number, group in enumerate(groups):
            old, new = self._members[number], group["params"]
            if new is old:
                continue
            if len(old) != len(new):
                expected, got = f"{len(old)} as before", str(len(new))
                remedy = "use add_param_group for others"
                raise ValueError(wording("parameters of a group", expected, got, remedy))
            slots = [self.slots[parameter] for parameter in old]
            for i, parameter in enumerate(new):
                if parameter is not old[i]:
                    check_parameter(parameter, slots[i].label)
                    slots[i] = self._slot_like(slots[i], parameter)
            for parameter in old:
                del self.slots[parameter]
            self.slots.update(zip(new, slots))
            _let_decay(self.settings[number].core, slots)
            self._members[number] = new

    def step(self, groups: Groups, states: States, chosen: Sequence[list[torch.Tensor]]) -> None:
        """Update the chosen parameters of each group; where that cannot be, nothing changes."""
        self.follow(groups)
        created: list[torch.Tensor] = []
        try:
            if not states and asks_for_states():
                for settings, parameters in zip(self.settings, chosen):
                    self._call(settings.core, parameters, states, created)
                return
            has_schedule = any(settings.schedule is not None for settings in self.settings)
            num_update = self._num_update_after(chosen) if has_schedule else 0
            for settings, group in zip(self.settings, groups):
                settings.read(group, num_update)
            step_all(
                [
                    Call(kind, settings.core, self._call(settings.core, alike, states, created))
                    for settings, parameters in zip(self.settings, chosen)
                    for kind, alike in self._by_kind(parameters)
                ]
            )
        except BaseException:
            for parameter in created:
                states.pop(parameter, None)
            raise
        for settings, group, parameters in zip(self.settings, groups, chosen):
            settings.write(group)
            counts = settings.core._index_update_count
            for parameter in parameters:
                slot = self.slots[parameter]
                slot.count[()] = counts[slot.index]
            increment_version([p for p in parameters if not self.slots[p].put_back(p)])

    def _by_kind(self, parameters: list[torch.Tensor]) -> Iterable[tuple[Any, list[torch.Tensor]]]:
        """Part parameters by how they are stepped."""
        found: dict[Any, list[torch.Tensor]] = {}
        for parameter in parameters:
            slot = self.slots[parameter]
            if parameter.device != slot.device:
                slot = self.slots[parameter] = self._slot_like(slot, parameter)
            found.setdefault(slot.kind, []).append(parameter)
        return found.items()

    def _slot_like(self, old: Slot, parameter: torch.Tensor) -> Slot:
        """Return the slot of a parameter that has taken the place of another, or gone elsewhere."""
        kind = self.slot_for(parameter)
        return kind(old.index, old.label, old.group, parameter.device)

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
            self.go_on_from(count, slot)
        else:
            state = slot.create_state(core, parameter)
            counts.pop(slot.index, None)
            created.append(parameter)
        number = torch.tensor(counts.get(slot.index, 0), dtype=torch.int64)
        slot.count = number.numpy()
        states[parameter] = slot.state = {STEP: number, **state}

    def go_on_from(self, count: int | None, slot: Slot) -> None:
        """Take over the number of updates of a parameter, if its state holds one."""
        if count is not None:
            core = self.settings[slot.group].core
            core._index_update_count[slot.index] = count
            core.num_update = max(core.num_update, count)

    def _num_update_after(self, chosen: Sequence[list[torch.Tensor]]) -> int:
        """Return the core's `num_update` once all of these are updated, over all groups."""
        found = 0
        for settings, parameters in zip(self.settings, chosen):
            counts = settings.core._index_update_count
            ahead = (counts.get(self.slots[p].index, 0) + 1 for p in parameters)
            found = max(found, settings.core.num_update, *ahead)
        return found


def _let_decay(core: Any, slots: Iterable[Slot]) -> None:
    """Leave it to groups what decays; by the core's rule it would follow from the names."""
    names = {slot.index: slot.index for slot in slots if isinstance(slot.index, str)}
    if names:
        core.set_wd_mult({})
        core.idx2name = names
        core.set_wd_mult(dict.fromkeys(names, 1.0))
