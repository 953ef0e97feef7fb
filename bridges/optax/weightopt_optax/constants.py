"""What a step's constants are, inside a compiled function and outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import weightopt_core as wo

from .creation import Created

#: What a class of optimizers overrides to say itself what the numbers of each weight are.
_OWN = ("numbers", "_get_lr", "_get_wd", "_update_count")


def has_own_numbers(optimizer: Any) -> bool:
    """Whether code of the optimizer's class gives numbers of each weight and count."""
    return any(getattr(type(optimizer), name) is not getattr(wo.Optimizer, name) for name in _OWN)


class Place(NamedTuple):
    """What the constants of one parameter depend on, beside the step.

    Attributes
    ----------
    leaf : int
        The number of the parameter.
    mults : tuple of float
        The multipliers of its learning rate and its weight decay.
    dtype : dtype
        The type that it is computed in.
    """

    leaf: int
    mults: tuple[float, ...]
    dtype: Any


class Step:
    """The constants of one step, formed once for parameters of equal multipliers and type.

    Where the count and all numbers are known, the core evaluates them in double. In a compiled
    function they are traced: then JAX forms them, or the core does when the function calls the
    host, if it is `hosted`.

    Parameters
    ----------
    created : Created
        The optimizer.
    on : weightopt_core.rule.namespaces.OnNamespace
        Its rule on `jax.numpy`.
    count : array
        How many updates went before.
    lr : number or array or None
        The learning rate that a schedule of optax gave; by default the optimizer's own.
    hosted : bool
        Whether compiled functions call the host.
    """

    def __init__(self, created: Created, on: Any, count: Any, lr: Any, hosted: bool):
        self.created, self.on, self.count = created, on, count
        self.traced = dict(created.traced)
        self.lr = self.traced.pop("learning_rate", lr)
        self.by_index = has_own_numbers(created.optimizer)
        self.hosted = hosted or not _is_traced([count, self.lr, self.traced])

    def constants(
        self, places: Sequence[Place], reduced: Sequence[Any] = ()
    ) -> list[Sequence[Any]]:
        """Return the constants of each parameter.

        Parameters
        ----------
        places : sequence of Place
            The parameters.
        reduced : sequence of tuple of array
            The rule's reductions of each parameter. Without them the constants that depend on one
            are left out.
        """
        # With reductions each parameter has its own.
        keys = [
            (place, i) if reduced else place if self.by_index else place._replace(leaf=0)
            for i, place in enumerate(places)
        ]
        rows = {key: i for i, key in reversed([*enumerate(keys)])}
        given = [(places[i], reduced[i] if reduced else ()) for i in rows.values()]
        formed = dict(zip(rows, self._hosted(given) if self.hosted else self._traced(given)))
        return [formed[key] for key in keys]

    def _traced(self, given: Sequence[tuple[Place, Any]]) -> list[Sequence[Any]]:
        """Return constants as JAX forms them."""
        return [
            self.on.form(self._numbers(place.mults), jnp.zeros((), place.dtype), own)
            for place, own in given
        ]

    def _numbers(self, mults: tuple[float, ...]) -> dict[str, Any]:
        """Return the rule's numbers, with arrays for those that are traced."""
        optimizer = self.created.optimizer
        numbers = optimizer.numbers_at(0, 1)
        traced = self.traced | {"t": self.count + (optimizer.begin_num_update + 1)}
        if self.lr is not None:
            traced["lr"] = self.lr
        numbers |= {name: _real(value) for name, value in traced.items() if name in numbers}
        return _scaled(numbers, mults)

    def _hosted(self, given: Sequence[tuple[Place, Any]]) -> Sequence[Sequence[Any]]:
        """Return constants as the core forms them, in one call of the host."""
        rule = self.on.rule
        places = [place for place, _ in given]

        def host(count: Any, lr: Any, traced: Mapping[str, Any], reduced: Any) -> tuple[Any, ...]:
            optimizer = self.created.with_values(traced)
            rate = None if lr is None else float(lr)
            t = int(count) + 1 + optimizer.begin_num_update
            rows = []
            for place, own in zip(places, reduced):
                numbers = _scaled(optimizer.numbers_at(place.leaf, t, lr=rate), place.mults)
                values = rule.evaluate(numbers, [float(value) for value in own])
                rows.append(np.array(values).astype(place.dtype))
            return tuple(rows)

        arguments = self.count, self.lr, self.traced, tuple(own for _, own in given)
        if not _is_traced(arguments):
            return host(*arguments)
        lowered = rule.lowered
        length = len(lowered.constants) + (len(lowered.measured) if given[0][1] else 0)
        shapes = tuple(jax.ShapeDtypeStruct((length,), place.dtype) for place in places)
        return jax.pure_callback(host, shapes, *arguments, vmap_method="sequential")


def _is_traced(values: Any) -> bool:
    return any(isinstance(value, jax.core.Tracer) for value in jax.tree.leaves(values))


def _scaled(numbers: dict[str, Any], mults: tuple[float, ...]) -> dict[str, Any]:
    for name, mult in zip(("lr", "wd"), mults):
        if name in numbers and mult != 1:
            numbers[name] = numbers[name] * mult
    return numbers


def _real(value: Any) -> Any:
    """Return a number that is traced in the widest type that JAX has at present."""
    if not isinstance(value, jax.Array):
        return value
    return value.astype(jax.dtypes.canonicalize_dtype(np.float64))
