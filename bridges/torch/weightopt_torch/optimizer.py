"""A torch.optim.Optimizer that steps parameters with an algorithm of weightopt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch.autograd.graph import increment_version
from weightopt_core.errors import wording

from . import checkpoint
from .groups import grouped
from .memory import check_parameter
from .settings import ALGORITHM, Settings, check_names, defaults_of
from .slots import Slot


class Optimizer(torch.optim.Optimizer):
    """Base class of the classes that `weightopt_torch.create` and ``weightopt_torch.Lion`` give."""

    #: The class of the core's optimizer; each subclass has its own.
    algorithm: ClassVar[Any] = None

    def __init__(
        self,
        params: Any,
        lr: Any = None,
        weight_decay: Any = None,
        *,
        maximize: bool = False,
        groups: Mapping[str, Mapping[str, Any]] | None = None,
        lr_scheduler: Any = None,
        **hyperparameters: Any,
    ):
        cls = self.algorithm
        check_names(cls, hyperparameters, f"{type(self).__name__}()", strict=True)
        given = {"lr": lr, "weight_decay": weight_decay}
        given = {key: value for key, value in given.items() if value is not None}
        defaults = {**defaults_of(cls), "maximize": maximize, **hyperparameters, **given}
        self._rate_is_given = lr is not None
        self._begin(lr_scheduler)
        super().__init__(grouped(params, groups), {**defaults, ALGORITHM: cls.__name__})

    def _begin(self, lr_scheduler: Any) -> None:
        self.lr_scheduler = lr_scheduler
        self._settings: list[Settings] = []
        self._slots: dict[torch.Tensor, Slot] = {}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; what it does not set has the optimizer's defaults.

        Raises
        ------
        TypeError, ValueError
            A setting or a parameter is not as it has to be; then nothing has changed.
        """
        own = {"params", "param_names", ALGORITHM, "noise_seed"}
        check_names(self.algorithm, param_group.keys() - own, "a parameter group", strict=False)
        rate_is_given = self._rate_is_given or "lr" in param_group
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        try:
            slots = self._new_slots(group)
            settings = self._settings_of(group)
            if self.lr_scheduler is not None:
                settings.follow(self.lr_scheduler, rate_is_given)
        except BaseException:
            self.param_groups.pop()
            raise
        self._settings.append(settings)
        self._slots.update(slots)

    def _settings_of(self, group: dict[str, Any]) -> Settings:
        settings = Settings(self.algorithm, group)
        named = group.get("param_names", ())
        # Which parameters decay is for groups to say; by the core's rule it follows from the names.
        settings.core.set_wd_mult({name: 1.0 for name in named})
        return settings

    def _new_slots(self, group: dict[str, Any]) -> dict[torch.Tensor, Slot]:
        slots: dict[torch.Tensor, Slot] = {}
        names = group.get("param_names")
        for i, parameter in enumerate(group["params"]):
            index = names[i] if names else len(self._slots) + i
            label = names[i] if names else f"parameter {index}"
            check_parameter(parameter, label)
            slots[parameter] = Slot(index, label)
        return slots

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and the gradients anew.

        Returns
        -------
        object
            What the closure returned; None without one.

        Raises
        ------
        TypeError, ValueError
            A parameter, a gradient or a setting is not as it has to be; then nothing has changed.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._step([[p for p in group["params"] if p.grad is not None] for group in self.param_groups])
        return loss

    def _step(self, chosen: list[list[torch.Tensor]]) -> None:
        """Update the chosen parameters of each group."""
        if self.lr_scheduler is not None:
            num_update = self._num_update_after(chosen)
        else:
            num_update = 0
        for settings, group in zip(self._settings, self.param_groups):
            settings.read(group, num_update)
        created: list[torch.Tensor] = []
        try:
            calls = [
                (settings.core, self._call(settings.core, parameters, created))
                for settings, parameters in zip(self._settings, chosen)
                if parameters
            ]
            for core, call in calls:
                core.update(*call)
        except BaseException:
            for parameter in created:
                self.state.pop(parameter, None)
            raise
        for parameters in chosen:
            increment_version(parameters)

    def _call(self, core: Any, parameters: list[torch.Tensor], created: list[torch.Tensor]) -> Any:
        """Return what the core's `update` takes."""
        slots, all_states = self._slots, self.state
        indices, weights, grads, states = [], [], [], []
        for parameter in parameters:
            slot = slots[parameter]
            slot.look_at(parameter)
            if slot.state is None or slot.state is not all_states.get(parameter):
                self._find_state(core, slot, parameter, created)
            indices.append(slot.index)
            weights.append(slot.weight)
            grads.append(slot.gradient(parameter, parameter.grad))  # type: ignore[arg-type]
            states.append(slot.arrays)
        return indices, weights, grads, states

    def _find_state(self, core: Any, slot: Slot, parameter: torch.Tensor, created: list[Any]) -> None:
        """Take over the state that somebody has put in, or create one."""
        counts = core._index_update_count
        if parameter in self.state:
            count, state = checkpoint.parted(core, slot, parameter, self.state[parameter])
            slot.adopt(state, parameter)
            if count is not None:
                counts[slot.index] = count
                core.num_update = max(core.num_update, count)
        else:
            state = slot.create_state(core, parameter)
            counts.pop(slot.index, None)
            created.append(parameter)
        self.state[parameter] = slot.state = state

    def _num_update_after(self, chosen: list[list[torch.Tensor]]) -> int:
        """Return the core's `num_update` once all of these are updated, over all groups."""
        found = 0
        for settings, parameters in zip(self._settings, chosen):
            counts = settings.core._index_update_count
            ahead = (counts.get(self._slots[p].index, 0) + 1 for p in parameters)
            found = max(found, settings.core.num_update, *ahead)
        return found
