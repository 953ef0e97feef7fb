"""Optimizers chosen by patterns of parameter names."""

import re

from weightopt_core.algorithm import Conformance
from weightopt_core.errors import wording
from weightopt_core.hyperparameters import ListOf, Pattern
from weightopt_core.optimizer import Nested, Wrapper
from weightopt_core.optimizer.places import grouped, picker

__all__ = ["MixedOptimizer"]


class MixedOptimizer(Wrapper):
    r"""Update each parameter by the first optimizer whose pattern fits its name.

    Parameters
    ----------
    patterns : list of str
        Regular expressions, which must match at the start of a name, as `re.match` does:
        ``'bias'`` does not fit ``fc1_bias``, but ``'.*bias'`` does. An index without a name is its
        own name.
    optimizers : list of Optimizer
        One for each pattern: optimizers, names, or what `dumps` returned.
    **kwargs
        None: all common hyperparameters belong to `optimizers`. As attributes they are set in all
        of them, and can be read where they agree.

    Raises
    ------
    ValueError
        The lists differ in length or are empty; when a state is created or a weight updated, no
        pattern fits the name.

    See Also
    --------
    Mixed : The same for initializers.

    Notes
    -----
    State: that of the optimizer that is chosen. Counts, names and multipliers are shared, and
    schedules go by the largest count of all weights.

    A list is given to each optimizer once, in parts. All of it is checked before the first part is
    stepped. A signal may come between two parts; each of them is whole.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> sgd = wo.optimizer.create("sgd", learning_rate=1)
    >>> mixed = wo.optimizer.create("mixed", patterns=[".*_bias", ".*"], optimizers=[sgd, "test"])
    >>> weights = [np.zeros(2), np.zeros(1)]
    >>> names = ["fc_weight", "fc_bias"]
    >>> states = [mixed.create_state(*pair) for pair in zip(names, weights)]
    >>> mixed.update(names, weights, [np.ones(2), np.ones(1)], states)
    >>> weights
    [array([1., 1.]), array([-1.])]
    """

    patterns = ListOf(Pattern())
    optimizers = ListOf(Nested())
    by_weight = True
    conformance = Conformance(
        arguments={"patterns": ["[0-8]", ".*"], "optimizers": [["sgd", {"momentum": 0.9}], "adam"]}
    )

    def _prepare(self):
        if len(self.patterns) != len(self.optimizers) or not self.patterns:
            expected = f"one for each pattern, {len(self.patterns) or 'at least 1'}"
            raise ValueError(wording("optimizers", expected, str(len(self.optimizers))))
        super()._prepare()
        self._names, self._known = None, {}

    def __copy__(self):
        twin = super().__copy__()
        twin._names, twin._known = None, {}
        return twin

    def _chosen(self, index):
        name = str(self.idx2name.get(index, index))
        for pattern, optimizer in zip(self.patterns, self.optimizers):
            if re.match(pattern, name):
                return optimizer
        expected = f"a name that one of the patterns {', '.join(map(repr, self.patterns))} matches"
        remedy = "add '.*' and an optimizer for the rest"
        raise ValueError(wording(f"parameter {name!r}", expected, "none", remedy))

    def _parts(self, indices, *lists):
        """Return each optimizer with its part of the lists."""
        names = self._shared().multipliers.names
        if self._names is not names:
            self._names, self._known = names, {}
        key = tuple(indices)
        if key not in self._known:
            places = grouped([self.optimizers.index(self._chosen(index)) for index in key])
            self._known[key] = [
                (self.optimizers[which], picker(at, len(key))) for which, at in places.items()
            ]
        return [(one, [pick(x) for x in (indices, *lists)]) for one, pick in self._known[key]]

    def create_state(self, index, weight):
        return self._chosen(index).create_state(index, weight)

    def step(self, indices, weights, grads, states):
        parts = self._parts(indices, weights, grads, states)
        if len(parts) > 1:
            for optimizer, given in parts:
                optimizer._check(*given)
        for optimizer, given in parts:
            optimizer.update(*given)

    def _check(self, indices, weights, grads, states):
        for optimizer, given in self._parts(indices, weights, grads, states):
            optimizer._check(*given)

    def _guarded(self, indices, grads):
        parts = self._parts(indices, grads)
        return [guarded for one, given in parts for guarded in one._guarded(*given)]

    def _master(self, index, weight, state):
        return self._chosen(index)._master(index, weight, state)
