"""Optimizers as they are sent to servers: written down, and made anew there by entry points."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import PluginError, wording
from ..optimizer import Optimizer, create
from ..optimizer.base import registry


class Specification(NamedTuple):
    """An optimizer in plain data.

    Attributes
    ----------
    text : str
        Its name, or what its `dumps` returned.
    package : str
        What has to be installed for it; empty where that is not known.
    seeds : list
        The seed of its noise, or None, and those of the optimizers in it, in the same form.
    """

    text: str
    package: str = ""
    seeds: Any = None

    def create(self) -> Optimizer:
        """Return the optimizer.

        Raises
        ------
        ValueError, PluginError
            It is not installed here, with what to install.
        """
        try:
            optimizer = create(self.text)
        except (ValueError, PluginError) as error:
            hint = f"; pip install {self.package}" if self.package else ""
            said = str(error)
            raise type(error)(said if "pip install" in said else said + hint) from error
        if self.seeds is not None:
            _give(optimizer, self.seeds)
        return optimizer


def specified(optimizer: Any) -> Specification:
    """Return an optimizer, or its name, as it is sent."""
    if isinstance(optimizer, str):
        return Specification(optimizer)
    if not isinstance(optimizer, Optimizer):
        expected = "an Optimizer, a name, or what dumps() returned"
        remedy = "call it" if isinstance(optimizer, type) else ""
        raise TypeError(wording("optimizer", expected, repr(optimizer), remedy))
    text = optimizer.dumps()
    return Specification(text, _package(type(optimizer)), _seeds(optimizer))


def _package(cls: type) -> str:
    points = registry.entry_points(registry.name_of(cls))
    return f"{points[0].dist.name}=={points[0].dist.version}" if points else ""


def _seeds(optimizer: Optimizer) -> list[Any]:
    """Return the seeds of noise; one that is needed and was not given is drawn here.

    Thus all servers have the same, and one that follows from `weightopt_core.random.seed`.
    """
    inner = [_seeds(one) for one in optimizer.inner]
    draws = optimizer.rule is not None and (optimizer.rule.draws or optimizer.state_dtype)
    if draws and not inner:
        return [optimizer._stepper.seed(optimizer), []]
    return [None, inner]


def _give(optimizer: Optimizer, seeds: list[Any]) -> None:
    seed, inner = seeds
    if seed is not None:
        optimizer.noise_seed = seed
    for one, own in zip(optimizer.inner, inner):
        _give(one, own)
