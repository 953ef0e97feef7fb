"""A torch.optim.Optimizer that steps parameters with an algorithm of weightopt."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch

from weightopt_core.errors import wording
from weightopt_core.optimizer import Wrapper

from . import checkpoint
from .backward import Watch
from .engine import Engine
from .groups import grouped
from .job import warn_of_own_gradients
from .settings import ALGORITHM, NOISE, check_names, defaults_of
from .ways import check_ways, slot_for

#: Attributes that decide how parameters are stepped; copies and pickles have them too.
_WAYS = ("lr_scheduler", "compile", "offload", "step_in_backward", "_rate_is_given")


class Optimizer(torch.optim.Optimizer):
    """Base class of what `weightopt_torch.create` returns: one subclass for each algorithm.

    A subclass has the name of the algorithm's class, and is an attribute of the module:
    ``weightopt_torch.Lion``. `weightopt_torch.create` describes the parameters.

    Attributes
    ----------
    algorithm : type
        The class of the core's optimizer.
    param_groups : list of dict
        The settings by group, as in torch; what is written there takes effect with the next step.
    state : dict of tensor to dict
        The states of each parameter by name, with the parameter's shape and where it is.

    Examples
    --------
    >>> import torch, weightopt_torch
    >>> weight = torch.nn.Parameter(torch.ones(2))
    >>> optimizer = weightopt_torch.SGD([weight], lr=0.5, momentum=0.5)
    >>> for _ in range(2):
    ...     weight.grad = torch.ones(2)
    ...     optimizer.step()
    >>> weight.detach(), optimizer.state[weight]
    (tensor([-0.2500, -0.2500]), {'step': tensor(2), 'mom': tensor([-0.7500, -0.7500])})
    >>> isinstance(optimizer, torch.optim.Optimizer)
    True
    """

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
        compile: bool | None = None,
        offload: bool = False,
        step_in_backward: bool = False,
        **hyperparameters: Any,
    ):
        cls = self.algorithm
        check_names(cls, hyperparameters.keys() - {ALGORITHM}, f"{cls.__name__}()", strict=True)
        given = {"lr": lr, "weight_decay": weight_decay}
        given = {key: value for key, value in given.items() if value is not None}
        defaults = {**defaults_of(cls), "maximize": maximize, **hyperparameters, **given}
        self.lr_scheduler, self._rate_is_given = lr_scheduler, lr is not None
        self.compile, self.offload, self.step_in_backward = compile, offload, step_in_backward
        check_ways(compile, offload, step_in_backward)
        self._begin()
        super().__init__(grouped(params, groups), {**defaults, ALGORITHM: cls.__name__})

    def _begin(self) -> None:
        self._engine = Engine(
            self.algorithm, functools.partial(slot_for, self.compile, self.offload)
        )
        if self.step_in_backward:
            self._watch: Watch | None = Watch(self._step_one)
        else:
            self._watch = Watch(self._fetch) if self.offload else None

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; what it does not set has the optimizer's defaults.

        Raises
        ------
        TypeError, ValueError
            A setting or a parameter is not as it has to be; then nothing has changed.
        """
        own = {"params", "param_names", ALGORITHM, NOISE}
        check_names(self.algorithm, param_group.keys() - own, "a parameter group", strict=False)
        rate_is_given = self._rate_is_given or "lr" in param_group
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        try:
            settings = self._engine.add(group)
            if self.lr_scheduler is not None:
                settings.follow(self.lr_scheduler, rate_is_given)
        except BaseException:
            self.param_groups.pop()
            raise
        if self._watch is not None:
            self._watch.over(group["params"])
        if self.step_in_backward:
            warn_of_own_gradients(group["params"])

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
        groups = self.param_groups
        chosen = [[p for p in group["params"] if p.grad is not None] for group in groups]
        with torch.no_grad():
            self._engine.step(groups, self.state, chosen)
        return loss

    def _step_one(self, parameter: torch.Tensor) -> None:
        """Update one parameter and free its gradient."""
        group = self._engine.slots[parameter].group
        chosen = [[parameter] if i == group else [] for i in range(len(self.param_groups))]
        with torch.no_grad():
            self._engine.step(self.param_groups, self.state, chosen)
        parameter.grad = None

    def _fetch(self, parameter: torch.Tensor) -> None:
        """Begin to copy a gradient to host memory."""
        self._engine.slots[parameter].fetch(parameter)  # type: ignore[attr-defined]

    def state_dict(self) -> dict[str, Any]:
        """Return copies of all states and settings, which nothing changes later.

        Returns
        -------
        dict
            It is like torch's: ``state`` has the tensors of each parameter by name, ``step`` among
            them, which is the number of its updates; ``param_groups`` has the settings.
            ``torch.load(..., weights_only=True)`` takes all of it.
        """
        handle = self.register_state_dict_post_hook(checkpoint.completed, prepend=True)
        try:
            return super().state_dict()
        finally:
            handle.remove()

    def load_state_dict(self, state_dict: Any) -> None:
        """Go on from what `state_dict` returned; its tensors are copied, and keep their dtypes.

        Raises
        ------
        TypeError, ValueError
            It is not from an optimizer of this algorithm, or not for these parameters; then
            nothing has changed.
        """
        checkpoint.check_is_dict(self.algorithm, state_dict)
        # The last of the hooks sees what all others have made of it.
        handle = self.register_load_state_dict_pre_hook(checkpoint.checked)
        try:
            super().load_state_dict(state_dict)
        finally:
            handle.remove()

    def __getstate__(self) -> dict[str, Any]:
        return {
            "defaults": self.defaults,
            **checkpoint.by_parameter(self),
            **{name: vars(self)[name] for name in _WAYS},
            "_schedules": [settings.schedule for settings in self._engine.settings],
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a state: from `load_state_dict`, from a copy, or from a pickle."""
        schedules = state.pop("_schedules", None)
        if schedules is None:
            schedules = [settings.schedule for settings in self._engine.settings]
        super().__setstate__(state)
        watch = vars(self).get("_watch")
        self._begin()
        self._watch = watch or self._watch
        for group, schedule in zip(self.param_groups, schedules):
            self._engine.add(group).schedule = schedule
            if self._watch is not None:
                self._watch.over(group["params"])
        for parameter, slot in self._engine.slots.items():
            if parameter in self.state:
                self.state[parameter] = checkpoint.unwrapped(self.state[parameter], slot, parameter)
                # A scheduler asks for it before the next step, and of all parameters.
                count = checkpoint.count_of(self.state[parameter], slot.label)
                self._engine.go_on_from(count, slot)


@functools.cache
def class_of(algorithm: Any) -> type[Optimizer]:
    """Return the subclass of `Optimizer` that steps with a class of the core."""
    name = algorithm.__name__
    if issubclass(algorithm, Wrapper):
        # Its settings belong to what it holds, and a parameter group has no room for those.
        remedy = "step it by weightopt itself, or use what torch has of its kind"
        expected = "one that holds no other optimizer"
        raise TypeError(wording("optimizer", expected, name, remedy))
    made = {"algorithm": algorithm, "__module__": __package__, "__qualname__": name}
    return type(name, (Optimizer,), made)
