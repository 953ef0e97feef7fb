"""One update by another optimizer for several gradients."""

import copy
from typing import NamedTuple

from weightopt_core import update_rule
from weightopt_core.algorithm import Conformance
from weightopt_core.backends import backend_of
from weightopt_core.errors import wording
from weightopt_core.hyperparameters import Choice, Integer
from weightopt_core.optimizer import Nested, Wrapper
from weightopt_core.optimizer.beside import Beside
from weightopt_core.optimizer.places import grouped, parted, picker
from weightopt_core.optimizer.states import keeps_master

__all__ = ["Accumulate", "add", "begin"]


@update_rule
def begin(weight, grad, *, parts):
    return grad / parts


@update_rule
def add(weight, grad, *, parts):
    return (weight + grad) / parts


class Parts(NamedTuple):
    """What a rule divides by."""

    parts: int


ONE = Parts(1)


class Accumulate(Wrapper):
    r"""Add up several gradients of a weight, and let another optimizer make one update of them.

    Of every :math:`k` gradients of a weight the first :math:`k - 1` change no weight. With the last
    one the optimizer that is held updates the weight once, by

    .. math::

        g = \frac{((g_1 + g_2) + \dots) + g_k}{k}

    or, with ``reduction="sum"``, by that sum. Gradients are left as they are.

    Parameters
    ----------
    optimizer : Optimizer
        What makes the updates: an optimizer, its name, or what its `dumps` returned.
    steps : int
        The number :math:`k` of gradients to an update, at least 1.
    reduction : {"mean", "sum"}, optional
        What becomes of the gradients.
    **kwargs
        None: all common hyperparameters belong to `optimizer`.

    See Also
    --------
    SkipNonfinite : Leaves updates out, instead of making one of several.

    Notes
    -----
    State: a pair of the sum, of the weight's shape and dtype, and the state of `optimizer`; 4 bytes
    a float32 weight. With `multi_precision` the sum of 16-bit gradients is float32, and the pair's
    first part is that with a rounded copy. Each sum is rounded once, and the mean once; with that
    the update is bit for bit the one that `optimizer` makes of the mean. It takes as much memory as
    the gradients once more.

    `num_update`, schedules and multipliers go by the updates. The gradients of each weight are
    counted apart. Each is checked when it comes: one that is refused is not added. The first one of
    an update replaces the sum, so that a NaN does not outlast the update. `steps` can be set where
    all weights are between two updates.

    References
    ----------
    M. Ott, S. Edunov, D. Grangier and M. Auli, "Scaling Neural Machine Translation", WMT 2018,
    https://arxiv.org/abs/1806.00187

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> sgd = wo.optimizer.create("sgd", learning_rate=1)
    >>> optimizer = wo.optimizer.create("accumulate", optimizer=sgd, steps=2)
    >>> weight = np.array([0.0])
    >>> state = optimizer.create_state(0, weight)
    >>> optimizer.update(0, weight, np.array([1.0]), state)
    >>> weight
    array([0.])
    >>> optimizer.update(0, weight, np.array([3.0]), state)
    >>> weight
    array([-2.])
    """

    optimizer = Nested()
    steps = Integer(interval="[1, inf)")
    reduction = Choice("mean", ("mean", "sum"))
    conformance = Conformance(arguments={"optimizer": ["sgd", {"momentum": 0.9}], "steps": 2})
    by_weight = True

    def _prepare(self):
        super()._prepare()
        self._gather()

    def _gather(self, rates=None):
        """Count gradients apart from updates, and go on from the counts of `rates`."""
        self._add = Beside(add, rates)
        self._begin = Beside(begin, self._add.rates)
        self._mean, self._first = Beside(add), Beside(begin)
        self._rates = self._add.rates

    def _join(self, rates):
        super()._join(rates)
        if "_add" in vars(self):
            self._rates = self._add.rates

    def __copy__(self):
        twin = super().__copy__()
        twin._gather(copy.copy(self._rates))
        return twin

    def _take(self, name, value):
        super()._take(name, value)
        if self._is_prepared and name == "steps" and value != self.steps:
            if any(count % self.steps for count in self._rates.true.values()):
                got = f"{value!r} amid them"
                raise ValueError(wording(name, f"{self.steps!r} until all are made", got))
            self._rates.true.replace({}, 0)

    def create_state(self, index, weight):
        backend = backend_of(weight)
        total = backend.zeros_like(weight)
        if keeps_master(self, weight):
            total = (total, backend.to_float32(total))
        return total, self.optimizer.create_state(index, weight)

    def step(self, indices, weights, grads, states):
        self._check(indices, weights, grads, states)
        own, held = parted(states)
        totals, wholes, is_whole = self._wholes(own)
        given = indices, weights, grads, totals, wholes, held
        for count, places in grouped(self._add.counts(indices)).items():
            taken = count % self.steps
            chosen = map(picker(places, len(own)), given)
            if taken + 1 < self.steps:
                indices, _, grads, totals, wholes, _ = chosen
                rule = self._add if taken else self._begin
                rule.run(ONE, indices, totals, grads, wholes, is_whole)
            else:
                self._update(self._mean if taken else self._first, is_whole, *chosen)

    def _update(self, rule, is_whole, indices, weights, grads, totals, wholes, held):
        """Let the optimizer make an update; the last gradient is added to a copy of the sum."""
        means = [backend_of(total).duplicate(total) for total in totals]
        wide = [one if one is None else backend_of(one).duplicate(one) for one in wholes]
        parts = Parts(self.steps if self.reduction == "mean" else 1)
        rule.run(parts, indices, means, grads, wide, is_whole)
        gradients = [mean if one is None else one for mean, one in zip(means, wide)]
        updates = self._shared()
        counts = updates.calls.find(indices, updates.true)
        before, is_over = counts.now(), False
        try:
            self.optimizer.update(indices, weights, gradients, held)
            is_over = True
        finally:
            # An exception from outside may come when the update is made.
            if is_over or counts.now() != before:
                self._add.count(indices)

    def _wholes(self, own):
        """Return the sums, their float32 copies or None, and whether there are any of these."""
        if not self.multi_precision:
            return own, (None,) * len(own), False
        pairs = [one if isinstance(one, tuple) else (one, None) for one in own]
        totals, wholes = zip(*pairs)
        return totals, wholes, any(one is not None for one in wholes)

    def _check(self, indices, weights, grads, states):
        own, held = parted(states)
        totals, wholes, is_whole = self._wholes(own)
        self._add.check(indices, totals, grads, wholes, is_whole)
        super()._check(indices, weights, grads, held)

    def _master(self, index, weight, state):
        return super()._master(index, weight, state[1])
