"""Parameter groups: settings in torch's words, and the core's optimizer that they make."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch

from weightopt_core.errors import nearest, wording
from weightopt_core.hyperparameters import REQUIRED
from weightopt_core.lr_scheduler import rate_of

from .job import agreed_seed

#: The core's names of what torch has other words for.
WORDS = {"learning_rate": "lr", "wd": "weight_decay"}
#: The key of a group that says which optimizer its settings are of.
ALGORITHM = "algorithm"
#: The key of a group that has the seed of noise and of rounding, once it is known.
NOISE = "noise_seed"
#: Hyperparameters for which torch has ways of its own.
INSTEAD = {
    "learning_rate": "lr",
    "wd": "weight_decay",
    "param_idx2name": "names, as model.named_parameters() gives them",
    "sym": "a parameter group for what differs",
    "begin_num_update": "load_state_dict",
    "lr_scheduler": "the optimizer's lr_scheduler, which all groups share",
    "on_nonfinite": "torch.amp.GradScaler, or error_if_nonfinite of clip_grad_norm_",
}
#: The settings that decide what a state is made of.
_FIXED = ("multi_precision", "state_dtype")


def setting_names(cls: Any) -> dict[str, str]:
    """Return the settings of a group, and the hyperparameter of `cls` that each stands for."""
    names = {WORDS.get(name, name): name for name in cls.hyperparameters}
    return {key: name for key, name in names.items() if key not in INSTEAD}


def defaults_of(cls: Any) -> dict[str, Any]:
    """Return the value of each setting that has one by default."""
    values = {key: cls.hyperparameters[name].default for key, name in setting_names(cls).items()}
    return {key: value for key, value in values.items() if value is not REQUIRED}


def check_names(cls: Any, given: Iterable[str], argument: str, *, strict: bool) -> None:
    """Raise TypeError for what is no setting.

    Where it is not `strict`, a key that resembles none passes: training loops keep what is their
    own in groups.
    """
    known = [*setting_names(cls), "maximize"]
    for name in given:
        if name in known:
            continue
        if name in INSTEAD:
            raise TypeError(f"{argument} has no {name!r} here; use {INSTEAD[name]}")
        hint = nearest(name, known)
        if strict or hint.endswith("?"):
            raise TypeError(f"{argument} has no {name!r}; {hint}")


def check_complete(cls: Any, group: Mapping[str, Any], argument: str, remedy: str) -> None:
    """Raise ValueError where a group lacks settings."""
    missing = {*setting_names(cls), "maximize"} - group.keys()
    if missing:
        some = ", ".join(sorted(missing))
        raise ValueError(wording(argument, f"the settings {some}", "none of them", remedy))


class Settings:
    """The core's optimizer of one group, which follows what is written into the group.

    Parameters
    ----------
    cls : type
        The class of the core's optimizer.
    group : dict
        Settings by name.

    Attributes
    ----------
    core : weightopt_core.Optimizer
        What steps the parameters of the group.
    schedule : callable or None
        Gives the rate of each update.
    """

    def __init__(self, cls: Any, group: Mapping[str, Any]):
        remedy = "pass them with the group"
        check_complete(cls, group, "a parameter group", remedy)
        self.names = setting_names(cls)
        given = {name: plain(group[key]) for key, name in self.names.items()}
        given["rescale_grad"] = _signed(given["rescale_grad"], group["maximize"])
        # A class may refuse that one is given beside another, so defaults are left out.
        given = {name: v for name, v in given.items() if not _is_default(cls, name, v)}
        with torchs_words():
            self.core = cls(**given)
        if self.core.on_nonfinite != "propagate":  # the class decides it
            raise ValueError(wording("on_nonfinite", "'propagate'", repr(self.core.on_nonfinite)))
        self.seen = {key: group[key] for key in (*self.names, "maximize")}
        self.schedule: Any = None
        #: What the schedule gave for the last step, and what it gives for the next.
        self._scheduled: float | None = None
        self._next_rate: float | None = None
        if group.get(NOISE) is not None:
            self.core.noise_seed = group[NOISE]

    def follow(self, scheduler: Any, rate_is_given: bool) -> None:
        """Let a scheduler give the rate, beginning with the group's where that was given."""
        rate = {"learning_rate": self.core.learning_rate} if rate_is_given else {}
        self.schedule = type(self.core)(
            **self._required(), **rate, lr_scheduler=scheduler
        ).lr_scheduler

    def agree(self, group: dict[str, Any]) -> None:
        """Draw the seed of noise and rounding that every process of a job has, if this is one."""
        core = self.core
        draws = core.state_dtype is not None or (core.rule is not None and core.rule.draws)
        seed = agreed_seed() if draws and core.noise_seed is None else None
        if seed is not None:
            core.noise_seed = group[NOISE] = seed

    def seed(self) -> dict[str, int]:
        """Return the seed of noise and rounding as a setting, if it is known."""
        seed = self.core.noise_seed
        return {} if seed is None else {NOISE: int(seed)}

    def _required(self) -> dict[str, Any]:
        declared = self.core.hyperparameters.items()
        return {name: getattr(self.core, name) for name, one in declared if one.default is REQUIRED}

    def read(self, group: dict[str, Any], num_update: int) -> None:
        """Take over what has changed in the group since the last step; the group stays as it is.

        Raises
        ------
        TypeError, ValueError
            A setting is not there, or has a value that it cannot have.
        """
        if not self.seen.keys() <= group.keys():
            remedy = "put them back, or create another optimizer"
            check_complete(type(self.core), group, "a parameter group", remedy)
        if self.schedule is not None:
            self._next_rate = self._rate(group, num_update)
            group = {**group, "lr": self._next_rate}
        if group.get(NOISE, self.core.noise_seed) != self.core.noise_seed:
            self.core.noise_seed = group[NOISE]
        for key, old in self.seen.items():
            value = group[key]
            if value is old and type(value) is not torch.Tensor:
                continue
            if key in _FIXED and value != old:
                expected, remedy = f"{old!r} as before", "create another optimizer"
                raise ValueError(wording(f"{key} of a group", expected, repr(value), remedy))
            with torchs_words():
                if key in ("maximize", "rescale_grad"):
                    factor = plain(group["rescale_grad"])
                    self.core.rescale_grad = _signed(factor, group["maximize"])
                else:
                    setattr(self.core, self.names[key], plain(value))
            self.seen[key] = value

    def write(self, group: dict[str, Any]) -> None:
        """Write the scheduler's rate of this step into the group, where loops read it."""
        if self.schedule is not None:
            self._scheduled = group["lr"] = self._next_rate

    def _rate(self, group: dict[str, Any], num_update: int) -> float:
        """Return the scheduler's rate; raise where somebody else has written one too."""
        if self._scheduled is not None and group["lr"] != self._scheduled:
            expected = f"{self._scheduled!r}, which the optimizer's lr_scheduler gave"
            remedy = "use that scheduler, or another one, but not both"
            raise ValueError(wording("lr of a group", expected, repr(group["lr"]), remedy))
        return rate_of(self.schedule, num_update)


def _is_default(cls: Any, name: str, value: Any) -> bool:
    default = cls.hyperparameters[name].default
    return value is default or (type(value) is type(default) and value == default)


def plain(value: Any) -> Any:
    """Return the number in a tensor, in which torch's schedulers may keep a rate."""
    return value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value


@contextlib.contextmanager
def torchs_words() -> Iterator[None]:
    """Let errors of the core call settings as torch does."""
    try:
        yield
    except (TypeError, ValueError) as error:
        name, _, rest = str(error).partition(":")
        if name not in WORDS:
            raise
        raise type(error)(f"{WORDS[name]}:{rest}") from None


def _signed(rescale_grad: Any, maximize: Any) -> Any:
    """Return the factor of the gradient, turned round where a maximum is wanted."""
    if not isinstance(maximize, bool):
        raise TypeError(wording("maximize", "True or False", repr(maximize)))
    return -rescale_grad if maximize and isinstance(rescale_grad, (int, float)) else rescale_grad
