"""What a transformation computes: the first state, and a step of all parameters."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import weightopt_core as wo
from weightopt_core.errors import wording

from .constants import Place, Step, has_own_numbers
from .creation import Created
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


class Functions:
    """The functions of one transformation."""

    def __init__(
        self, created: Created, schedule: Any, exact: bool, mults: dict[str, Any], reduce: Any
    ):
        self.created, self.schedule, self.mults = created, schedule, mults
        self.optimizer = created.optimizer
        self.rule = self.optimizer.rule
        self.reduce = reduce
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
        if on.reductions and arrays:
            measured = [on.measure(k, *given) for k, given in zip(constants, arrays)]
            reduce = self.reduce or on.reduce
            reduced = [tuple(map(reduce, on.reductions, values)) for values in measured]
            constants = step.constants(places, reduced)
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
