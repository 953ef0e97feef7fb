"""The gradient transformation that steps a rule."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import optax

from weightopt_core.errors import wording

from .creation import create
from .functions import Functions, State


class Transformation(optax.GradientTransformationExtraArgs):
    """A rule over trees of parameters; `transform` makes it.

    It is a pair of functions, as optax has it: ``init(params)``, and ``update(grads, state,
    params)`` which returns what `optax.apply_updates` is to add. Beside these it has

    Attributes
    ----------
    apply : callable
        ``apply(params, grads, state)`` returns the new parameters and the new state. Parameters are
        what the rule returns: nothing is lost to a difference.
    step : callable
        `apply`, compiled by `jax.jit`; it takes over the memory of `params` and `state`, which are
        not to be used again.
    optimizer : weightopt_core.Optimizer
        What it was made from; it is to be read only.
    """

    apply: Callable[[Any, Any, State], tuple[Any, State]]
    optimizer: Any

    def __repr__(self) -> str:
        return f"<optax transformation by {self.optimizer!r}>"

    @functools.cached_property
    def step(self) -> Callable[[Any, Any, State], tuple[Any, State]]:
        return jax.jit(self.apply, donate_argnums=(0, 2))


def transform(
    name: Any,
    learning_rate: Any = None,
    *,
    exact: bool = False,
    lr_mult: Any = None,
    wd_mult: Any = None,
    reduce: Callable[[str, Any], Any] | None = None,
    **hyperparameters: Any,
) -> Transformation:
    """Return an installed optimizer as a gradient transformation.

    Parameters
    ----------
    name : str or type
        Its name, as `weightopt_core.optimizer.create` takes it; or a class of optimizers.
    learning_rate : float, array or callable, optional
        A callable is a schedule of optax: it takes how many updates went before.
    exact : bool
        Whether constants that depend on the count are formed by the core, in double: a compiled
        function then calls the host once for each step. By default JAX forms them, where it can.
    lr_mult, wd_mult : number, tree or callable, optional
        What the learning rate and the weight decay are multiplied by, for each parameter: a tree
        like the one of the parameters, or one whose parts stand for whole branches, or a function
        from the parameters to such a tree. A `wd_mult` of 0 is for what is not to decay.
    reduce : callable, optional
        Takes the name of what a rule asks of a whole array, ``"norm"`` for one, and an array, and
        returns that number. Needed only in `jax.shard_map`, where a parameter is one part of
        several: there it has to return the number for all parts.
    **hyperparameters
        Hyperparameters of the optimizer. ``lr_scheduler`` is an `LRScheduler` or its name, or a
        function of the number of updates, the present one included; it runs on the host.

    Raises
    ------
    TypeError, ValueError
        No such optimizer is installed, a hyperparameter is unknown or out of its range, or it has
        no meaning for a tree of parameters.

    Notes
    -----
    Every parameter decays, whatever its name, as in optax. States have the type of their parameter;
    with ``multi_precision`` they are float32. Noise is drawn by JAX from the optimizer's seed.

    Examples
    --------
    >>> import jax, jax.numpy as jnp, weightopt_optax
    >>> tx = weightopt_optax.transform("adam", learning_rate=0.5, wd=0.01)
    >>> params = {"w": jnp.ones(2)}
    >>> params, state = tx.step(params, {"w": jnp.ones(2)}, tx.init(params))
    >>> params["w"].round(3), int(state.count)
    (Array([0.5, 0.5], dtype=float32), 1)
    """
    schedule = learning_rate if callable(learning_rate) else None
    if learning_rate is not None and schedule is None:
        hyperparameters["learning_rate"] = learning_rate
    created = create(name, hyperparameters)
    if schedule is not None and created.optimizer.lr_scheduler is not None:
        got = "a schedule beside lr_scheduler"
        raise ValueError(wording("learning_rate", "one schedule", got, "leave one of them out"))
    made = Functions(created, schedule, exact, {"lr_mult": lr_mult, "wd_mult": wd_mult}, reduce)
    transformation = Transformation(made.init, made.update)
    transformation.apply, transformation.optimizer = made.apply, created.optimizer
    return transformation
