"""The gradient transformation that steps a rule."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import weightopt_core as wo
from weightopt_core.errors import wording

from .constants import Place, Step, has_own_numbers
from .creation import Created, create
from .leaves import Leaves, is_half


class State(NamedTuple):
    """What a transformation keeps.

    Attributes
    ----------
    count : array
        How many updates there were.
    states : dict of str to tree
        Each state, for all parameters, by the name that the rule gives it.
    master : tree or None
        With ``multi_precision`` the float32 copy of each 16-bit parameter, None for others.
    """

    count: Any
    states: dict[str, Any]
    master: Any = None


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
    norm: Callable[[Any], Any] | None = None,
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
    norm : callable, optional
        Takes an array and returns its norm. Needed only in `jax.shard_map`, where a parameter is
        one part of several: there it has to return the norm of all parts.
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
    made = _Functions(created, schedule, exact, {"lr_mult": lr_mult, "wd_mult": wd_mult}, norm)
    transformation = Transformation(made.init, made.update)
    transformation.apply, transformation.optimizer = made.apply, created.optimizer
    return transformation


class _Functions:
    """The functions of one transformation."""

    def __init__(
        self, created: Created, schedule: Any, exact: bool, mults: dict[str, Any], norm: Any
    ):
        self.created, self.schedule, self.mults = created, schedule, mults
        self.optimizer = created.optimizer
        self.rule = self.optimizer.rule
        self.norm = norm
        own = has_own_numbers(self.optimizer)
        self.hosted = exact or own or self.optimizer.lr_scheduler is not None
        self.seed = self.optimizer.noise_seed
        if self.rule.draws and self.seed is None:
            self.seed = wo.random.draw_seed("noise")

    def init(self, params: Any) -> State:
        leaves = Leaves(params)
        masters = [self._master(array) for array in leaves.arrays]
        firsts = [array if m is None else m for array, m in zip(leaves.arrays, masters)]
        states = [self._initial(array) for array in firsts]
        return State(
            jnp.zeros((), jnp.int32),
            {
                name: leaves.tree([state[i] for state in states])
                for i, name in enumerate(self.rule.states)
            },
            leaves.tree(masters) if self.optimizer.multi_precision else None,
        )

    def update(
        self, updates: Any, state: State, params: Any = None, **extra_args: Any
    ) -> tuple[Any, State]:
        if params is None:
            remedy = "call update(grads, state, params)"
            raise ValueError(wording("params", "the parameters", "None", remedy))
        new, state = self.apply(params, updates, state)
        return jax.tree.map(lambda a, b: a - b, new, params), state

    def apply(self, params: Any, grads: Any, state: State) -> tuple[Any, State]:
        leaves = Leaves(params)
        names = self.rule.states
        parts = [leaves.of(state.states[name], f"state {name!r}") for name in names]
        masters: list[Any] = [None] * len(leaves.arrays)
        if state.master is not None:
            masters = leaves.of(state.master, "master")
        arrays = []
        for i, grad in enumerate(leaves.gradients(grads)):
            weight = leaves.arrays[i] if masters[i] is None else masters[i]
            states = [part[i].astype(grad.dtype) for part in parts]
            noise = [self._noise(i, state.count, grad)] if self.rule.draws else []
            arrays.append([weight.astype(grad.dtype), grad, *states, *noise])
        made = self._stepped(leaves, params, state.count, arrays)
        new = [step[0].astype(array.dtype) for step, array in zip(made, leaves.arrays)]
        kept = {
            name: leaves.tree([step[1 + k].astype(old.dtype) for step, old in zip(made, parts[k])])
            for k, name in enumerate(names)
        }
        copies = [None if old is None else step[0] for step, old in zip(made, masters)]
        master = None if state.master is None else leaves.tree(copies)
        return leaves.tree(new), State(state.count + 1, kept, master)

    def _stepped(
        self, leaves: Leaves, params: Any, count: Any, arrays: list[list[Any]]
    ) -> list[tuple[Any, ...]]:
        """Return the new weight and the new states of each parameter."""
        lr = None if self.schedule is None else self.schedule(count)
        # Anew each time, because float64 may have been switched on meanwhile.
        on = self.rule.on(jnp, sqrt=jnp.sqrt)
        step = Step(self.created, on, count, lr, self.hosted)
        mults = [leaves.multipliers(name, given, params) for name, given in self.mults.items()]
        places = [
            Place(i, tuple(mult[i] for mult in mults), given[0].dtype)
            for i, given in enumerate(arrays)
        ]
        constants = step.constants(places)
        if on.norms and arrays:
            normed = [on.normed(k, *given) for k, given in zip(constants, arrays)]
            norms = [tuple(map(self.norm or on.norm, values)) for values in normed]
            constants = step.constants(places, norms)
        return [on.step(k, *given) for k, given in zip(constants, arrays)]

    def _master(self, array: Any) -> Any:
        keeps = self.optimizer.multi_precision and is_half(array)
        return array.astype(jnp.float32) if keeps else None

    def _initial(self, array: Any) -> list[Any]:
        """Return the initial states of one parameter, or of its master copy."""
        if type(self.optimizer).initial_states is wo.Optimizer.initial_states:
            return [jnp.zeros_like(array) for _ in self.rule.states]

        def host(values: Any) -> tuple[Any, ...]:
            return tuple(self.optimizer.initial_states(np.array(values)))

        if not isinstance(array, jax.core.Tracer):
            return [jnp.asarray(state) for state in host(array)]
        shape = jax.ShapeDtypeStruct(array.shape, array.dtype)
        shapes = (shape,) * len(self.rule.states)
        return list(jax.pure_callback(host, shapes, array, vmap_method="sequential"))

    def _noise(self, index: int, count: Any, like: Any) -> Any:
        key = jax.random.fold_in(jax.random.key(self.seed % 2**32), count)
        return jax.random.normal(jax.random.fold_in(key, index), like.shape, like.dtype)
