"""Initializers chosen by patterns of parameter names."""

import re

from weightopt_core import Initializer
from weightopt_core.algorithm import Conformance
from weightopt_core.errors import wording
from weightopt_core.hyperparameters import ListOf, Pattern
from weightopt_core.initializer import Nested

__all__ = ["Mixed"]


class Mixed(Initializer):
    r"""Initialize each parameter with the first initializer whose pattern fits its name.

    The chosen initializer goes by the name in its turn: ``Mixed(['.*'], ['one'])`` sets a
    ``fc1_weight`` to 1 and a ``fc1_bias`` to 0.

    Parameters
    ----------
    patterns : list of str
        Regular expressions, which must match at the start of a name, as `re.match` does:
        ``'bias'`` does not fit ``fc1_bias``, but ``'.*bias'`` does.
    initializers : list of Initializer
        One for each pattern: instances, names, or what `dumps` returned.

    Raises
    ------
    ValueError
        The lists differ in length; when called, no pattern fits the name.

    See Also
    --------
    MixedOptimizer : The same for optimizers.
    Load : Arrays by exact names.

    Notes
    -----
    A parameter that holds pieces without an initializer of their own, such as the vector of a
    `weightopt_fusedrnn.FusedRNN`, gives each of them to this initializer.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> init = wo.init.Mixed(["fc1_.*", ".*"], ["one", wo.init.Constant(0.5)])
    >>> first, second = np.empty(2), np.empty(2)
    >>> init("fc1_weight", first)
    >>> init("fc2_weight", second)
    >>> first, second
    (array([1., 1.]), array([0.5, 0.5]))
    >>> init.dumps() == wo.init.create(init.dumps()).dumps()
    True
    """

    patterns = ListOf(Pattern())
    initializers = ListOf(Nested())
    conformance = Conformance(arguments={"patterns": [".*", "fc.*"]})

    def _prepare(self):
        if len(self.patterns) != len(self.initializers):
            expected = f"one for each pattern, {len(self.patterns)}"
            raise ValueError(wording("initializers", expected, str(len(self.initializers))))

    def _initialize(self, desc, arr):
        chosen = self._chosen(desc)
        chosen(desc, arr)
        return repr(chosen)

    def _init_weight(self, name, arr):
        self._chosen(name)._init_weight(name, arr)

    def _chosen(self, name):
        for pattern, initializer in zip(self.patterns, self.initializers):
            if re.match(pattern, name):
                return initializer
        expected = f"a name that one of the patterns {', '.join(map(repr, self.patterns))} matches"
        remedy = "add '.*' and an initializer for the rest"
        raise ValueError(wording(f"parameter {str(name)!r}", expected, "none", remedy))
