"""The optimizer behind a transformation, where hyperparameters may be traced by JAX."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import jax

import weightopt_core as wo
from weightopt_core.errors import wording

#: Hyperparameters that tell parameters apart by index, or by name.
_BY_NAME = ("param_idx2name", "sym")
#: What rules call a hyperparameter, where it is not by its name.
_NUMBERS = {"learning_rate": "lr"}


class Created(NamedTuple):
    """An optimizer, and those of its hyperparameters that JAX traces.

    Attributes
    ----------
    name : str or type
        What it was created from.
    given : dict
        Hyperparameters whose values are Python's.
    traced : dict
        Hyperparameters that are known only when a compiled function runs.
    optimizer : weightopt_core.Optimizer
        The optimizer; it has the defaults of the traced ones.
    """

    name: Any
    given: dict[str, Any]
    traced: dict[str, Any]
    optimizer: Any

    def with_values(self, values: Mapping[str, Any]) -> Any:
        """Return the optimizer, or one with values of what was traced."""
        if not values:
            return self.optimizer
        return _new(self.name, self.given | {name: value.item() for name, value in values.items()})


def create(name: Any, hyperparameters: Mapping[str, Any]) -> Created:
    """Create an optimizer.

    Raises
    ------
    TypeError, ValueError
        As the optimizer's class does; or a hyperparameter has no meaning here, or decides which
        rule runs and is traced.
    """
    given: dict[str, Any] = {}
    traced: dict[str, Any] = {}
    for key, value in hyperparameters.items():
        if isinstance(value, jax.core.Tracer):
            traced[key] = value
        else:
            given[key] = value.item() if isinstance(value, jax.Array) and value.ndim == 0 else value
    optimizer = _new(name, given, traced)
    if optimizer.rule is None:
        got = f"{type(optimizer).__name__}, which overrides update()"
        raise TypeError(wording("name", "an optimizer with a rule", got))
    for key in _BY_NAME:
        if getattr(optimizer, key) is not None:
            remedy = "use lr_mult and wd_mult, or optax.masked"
            raise ValueError(wording(key, "None for parameters of a tree", "a value", remedy))
    if optimizer.state_dtype is not None:
        got = repr(optimizer.state_dtype)
        raise ValueError(wording("state_dtype", "None with optax", got, "leave it out"))
    if optimizer.on_nonfinite != "propagate":
        got, remedy = repr(optimizer.on_nonfinite), "use optax.apply_if_finite"
        raise ValueError(wording("on_nonfinite", "'propagate' with optax", got, remedy))
    for key in traced:
        if _NUMBERS.get(key, key) not in optimizer.rule.numbers:
            remedy = "name it in static_args of optax.inject_hyperparams, or leave it out"
            expected = f"a number of Python: the rule {optimizer.rule.name!r} does not take it"
            raise TypeError(wording(key, expected, "a traced value", remedy))
    return Created(name, given, traced, optimizer)


def _new(name: Any, given: Mapping[str, Any], traced: Collection[str] = ()) -> Any:
    known: Any = name
    if isinstance(name, str):
        known = wo.optimizer.registry.find(name)
    elif not (isinstance(name, type) and issubclass(name, wo.Optimizer)):
        expected = "the name of an installed optimizer, or a class of optimizers"
        raise TypeError(wording("name", expected, repr(name)))
    for key in traced:  # raises where there is no such argument
        if key not in known.hyperparameters:
            known(**{**given, key: None})
    given = dict(given)
    scheduler = given.get("lr_scheduler")
    if isinstance(scheduler, str):
        given["lr_scheduler"] = wo.lr_scheduler.create(scheduler)
    return known(**given)
