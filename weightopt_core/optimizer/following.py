"""Wrappers that follow the weights: a rule of their own is run after an update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backends import backend_of, cpu
from ..rule import Rule
from .beside import Beside
from .places import grouped, parted, picker
from .wrapper import Wrapper


class Following(Wrapper):
    """Base class of wrappers that run a rule after the update of a weight.

    A subclass declares what it holds, one optimizer, and names its rule in `follows`. That takes
    the weight, a gradient that it does not look at, and arrays of the wrapper's own. Of a 16-bit
    weight with a master copy it takes the master copy.

    State: a pair of the wrapper's own array, or a tuple of several, and the state of the optimizer
    that is held. The arrays are of the weight's shape, and of the dtype that the weight is computed
    from.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> from weightopt_core.optimizer import Following, Nested
    >>> @wo.update_rule
    ... def lasting(weight, grad, before):
    ...     return weight, weight
    >>> class Lasting(Following):
    ...     optimizer = Nested()
    ...     follows = lasting
    """

    by_weight = True

    #: The rule over a weight and the own arrays.
    follows: Rule

    def _prepare(self) -> None:
        super()._prepare()
        self._beside = Beside(self.follows)

    def __copy__(self) -> Any:
        twin = super().__copy__()
        twin._beside = Beside(self.follows)
        return twin

    def is_due(self, t: int) -> bool:
        """Whether the rule is run after update `t` of a weight; for subclasses."""
        return True

    def own_states(self, weight: Any) -> Sequence[Any]:
        """Return the initial array of each state of the rule, by default copies of the weight."""
        return [backend_of(weight).duplicate(weight) for _ in self.follows.states]

    def create_state(self, index: Any, weight: Any) -> Any:
        """Return the initial state of one weight: the own arrays, and the state of what is held."""
        held = self.inner[0].create_state(index, weight)
        master = self.inner[0]._master(index, weight, held)
        own = tuple(self.own_states(weight if master is None else master))
        return own if len(own) > 1 else own[0], held

    def step(self, indices: Any, weights: Any, grads: Any, states: Any) -> None:
        """Update weights and states in place, and let the rule follow."""
        own, held, master = self._parted(indices, weights, states)
        if self._shares_a_pass(weights):
            lists = indices, weights, grads, held
            if self._beside.run_behind(self, self.inner[0], lists, own, master):
                return
        self._beside.check(indices, weights, grads, own, master)
        self._beside.check_numbers(self)
        shared = self._shared()
        counts = shared.calls.find(indices, shared.true)
        before = counts.now()
        try:
            self.inner[0].update(indices, weights, grads, held)
        finally:
            # An exception that comes from outside may come between the two; both are made then.
            given = indices, weights, grads, own
            self._follow(given, master, before, counts.now())

    def _shares_a_pass(self, weights: Sequence[Any]) -> bool:
        """Whether the rule of what is held and `follows` can share a pass over memory.

        Whether it is the turn of `follows` is then known before the update.
        """
        rule = self.inner[0]._stepped_rule
        if rule is None or type(self).is_due is not Following.is_due or "t" in self.follows.numbers:
            return False
        if self._shared().is_by_name or backend_of(weights[0]) is not cpu:
            return False
        kernels = rule.compiled.kernel, self.follows.compiled.kernel
        return None not in kernels and not self.follows.lowered.reductions

    def _follow(self, given: tuple[Any, ...], master: bool, before: Any, after: Any) -> None:
        """Run the rule for each weight that was updated, if it is its turn."""
        if after == before:
            return
        due = [
            (i, t)
            for (old, t), places in grouped([*zip(before, after)]).items()
            if old != t and self.is_due(t)
            for i in places
        ]
        if due:
            places, counts = zip(*due)
            pick = picker(places, len(after))
            indices, weights, grads, own = map(pick, given)
            self._beside.run(self, indices, weights, grads, own, master, counts)

    def _parted(self, indices: Any, weights: Any, states: Any) -> tuple[Any, Any, bool]:
        """Return the own arrays, the states of what is held, and whether master copies are there.

        A master copy stands after the own arrays of its weight.
        """
        own, held = parted(states)
        if not self.multi_precision:
            return own, held, False
        masters = [*map(self.inner[0]._master, indices, weights, held)]
        arrays = [one if isinstance(one, tuple) else (one,) for one in own]
        own = [one if copy is None else (*one, copy) for one, copy in zip(arrays, masters)]
        return own, held, any(copy is not None for copy in masters)

    def _check(self, indices: Any, weights: Any, grads: Any, states: Any) -> None:
        own, held, master = self._parted(indices, weights, states)
        self._beside.check(indices, weights, grads, own, master)
        super()._check(indices, weights, grads, held)

    def _master(self, index: Any, weight: Any, state: Any) -> Any:
        return super()._master(index, weight, state[1])
