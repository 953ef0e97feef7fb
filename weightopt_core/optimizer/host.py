"""Optimizers that compute with whole NumPy arrays on the host."""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..algorithm import Conformance
from ..backends import cpu
from ..dtypes import compute_of
from ..engine.index_groups import Stale
from ..rule import clip
from .base import Optimizer
from .host_arrays import HostArrays, Shape, check_apart, checked, count_and_store
from .lists import lists_to_step, takes_lists
from .states import keeps_master
from .stepper import ATTEMPTS, unsettled

#: What is done to the gradient before `compute` has it.
_BEFORE = ("rescale_grad", "clip_gradient")


class Formula(NamedTuple):
    """What the signature of `HostOptimizer.compute` says: as of a rule, states and numbers."""

    name: str
    states: tuple[str, ...]
    numbers: tuple[str, ...]


class HostOptimizer(Optimizer):
    """Base class of optimizers that compute with whole NumPy arrays on the host.

    For what fits no rule: products of matrices, states of a shape of their own, sums over several
    weights. A subclass writes one method, whose signature is that of a rule::

        def compute(self, weight, grad, mean, *, lr, wd, beta1): ...
            return new_weight, new_mean

    It is given arrays that cannot be written to, the gradient with `rescale_grad` and
    `clip_gradient` applied, and the numbers that it names: hyperparameters, `lr` and `wd` with
    schedule and multipliers, and `t`. It returns the new weight, then the new states. All else is
    as of an optimizer with a rule: counts, lists, `set_for`, `on_nonfinite`, master copies, and
    states that are checked, saved and resumed.

    Notes
    -----
    Arrays are float64 for float64 weights, and float32 for others; so are the states, also without
    `multi_precision`. A 16-bit weight is rounded once, where it is stored. A call computes all new
    arrays before it stores the first, so that it happens as a whole or not at all. Arrays must be
    in host memory: those of a device are refused. In a process one such step is computed at a time.

    Sums and products are NumPy's and its BLAS's: bits may differ from one machine to another.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> class Unit(wo.optimizer.HostOptimizer):
    ...     def compute(self, weight, grad, *, lr):
    ...         return weight - lr * grad / max(float(np.linalg.norm(grad)), 1.0)
    >>> weight = np.zeros(2)
    >>> Unit(learning_rate=0.1).update(0, weight, np.array([30.0, 40.0]), None)
    >>> weight
    array([-0.06, -0.08])
    """

    #: States have the dtype that is computed in.
    state_dtype = None
    conformance = Conformance(host_only=True)

    _formula: ClassVar[Any]  # a Formula

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._formula = _read(cls.compute)

    def compute(self, weight: Any, grad: Any, *states: Any, **numbers: Any) -> Any:
        """Return the new weight and the new states of one weight; for subclasses."""
        raise NotImplementedError(f"{type(self).__name__} must implement compute()")

    def compute_all(
        self, arrays: Sequence[Sequence[np.ndarray]], numbers: Sequence[dict[str, Any]]
    ) -> Sequence[Any]:
        """Return what `compute` does of each weight of a call; for subclasses.

        One that sums over all weights of a call overrides it.

        Parameters
        ----------
        arrays : list of list of numpy.ndarray
            Weight, gradient and states of each weight; not to be written to.
        numbers : list of dict
            The numbers that `compute` names, for each weight.
        """
        return [self.compute(*one, **own) for one, own in zip(arrays, numbers)]

    def state_shapes(self, shape: Shape) -> Mapping[str, Shape]:
        """Return the shape of each state by its name, by default that of the weight.

        For subclasses: states may be fewer or others for some shapes, as long as that follows from
        `shape` and hyperparameters. A shape that cannot be served is a ValueError.
        """
        return dict.fromkeys(self._formula.states, shape)

    def initial_states(self, weight: Any) -> Sequence[Any]:
        """Return the initial array of each state, by default zeros.

        Parameters
        ----------
        weight : numpy.ndarray
            The weight, or its master copy, in the dtype that is computed in.
        """
        return [np.zeros(shape, weight.dtype) for shape in self.state_shapes(weight.shape).values()]

    def create_state(self, index: Any, weight: Any) -> Any:
        """Return the initial state of one weight, as `Optimizer.create_state` does."""
        weight = cpu.check(weight, "weight", written=False)
        first = np.array(weight, compute_of(weight.dtype.name))
        states = tuple(self.initial_states(first))
        if keeps_master(self, weight):
            return (*states, first)
        return states if len(states) > 1 else states[0] if states else None

    @takes_lists
    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update a weight and its state in place, or several weights and their states at once.

        As `Optimizer.update` does.
        """
        if (lists := lists_to_step(self, index, weight, grad, state)) is not None:
            self._step(*lists)

    def _step(self, indices: Any, weights: Any, grads: Any, states: Any) -> None:
        formula, rates, stepper = self._formula, self._rates, self._stepper
        call = rates.calls.find(indices, rates.true)
        if not rates.is_looked_through:
            rates.look_through(self.wd if "wd" in formula.numbers else 0.0, call.indices)
        for _ in ATTEMPTS:
            turn = stepper.turn(self, call)
            # Code of users, which may wait for others; so nothing is locked.
            numbers = [stepper.numbers_at(self, formula, index, turn) for index in call.indices]
            with _Lock.only:
                tensors = self._arrays(weights, grads, states)
                stores = self._computed(tensors, numbers)
                try:
                    return count_and_store(turn.commit, stores)
                except Stale:
                    continue
        raise unsettled(call.indices[0])

    def _arrays(self, weights: Any, grads: Any, states: Any) -> list[HostArrays]:
        """Return the checked arrays of a call."""
        tensors = []
        for weight, grad, state in zip(weights, grads, states):
            viewed = cpu.check(weight, "weight")
            shapes = self.state_shapes(viewed.shape)
            tensors.append(checked(viewed, grad, state, shapes, self.multi_precision))
        check_apart(tensors)
        return tensors

    def _computed(
        self, tensors: Sequence[HostArrays], numbers: Sequence[dict[str, Any]]
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return all arrays that change, with their new values."""
        arrays, own = [], []
        with np.errstate(all="ignore"):
            for tensor, given in zip(tensors, numbers):
                weight, grad, *states = tensor.to_compute()
                rescale, limit = (given[name] for name in _BEFORE)
                # A product with 1 would change nothing, but take a pass over the gradient.
                grad = grad if rescale == 1 else rescale * grad
                arrays.append([weight, clip(grad, limit), *states])
                own.append({name: v for name, v in given.items() if name not in _BEFORE})
            results = self.compute_all(arrays, own)
        name = f"{type(self).__name__}.compute"
        pairs = zip(tensors, results, strict=True)
        return [store for one, new in pairs for store in one.stores(new, name)]

    def _check(self, indices: Any, weights: Any, grads: Any, states: Any) -> None:
        self._arrays(weights, grads, states)

    def _master(self, index: Any, weight: Any, state: Any) -> Any:
        return state[-1] if keeps_master(self, weight) else None


class _Lock:
    """What a step holds while it computes and stores: no other one sees it half stored."""

    only = threading.RLock()

    @classmethod
    def renew(cls) -> None:
        """Have a lock that no thread holds which a forked child lacks."""
        cls.only = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Lock.renew)


def _read(compute: Any) -> Formula:
    kind = inspect.Parameter
    parameters = [*inspect.signature(compute).parameters.values()]
    states = [p.name for p in parameters[3:] if p.kind is kind.POSITIONAL_OR_KEYWORD]
    numbers = [p.name for p in parameters if p.kind is kind.KEYWORD_ONLY]
    return Formula(compute.__qualname__, tuple(states), (*numbers, *_BEFORE))
