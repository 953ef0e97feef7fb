"""Weights from a uniform distribution."""

from weightopt_core.hyperparameters import Real
from weightopt_core.initializer import RandomInitializer

__all__ = ["Uniform"]


class Uniform(RandomInitializer):
    r"""Initialize weights with numbers drawn uniformly from ``[-scale, scale)``.

    Parameters
    ----------
    scale : float, optional
        The bound of the range, at least 0.
    seed : int, optional
        Makes the values independent of everything drawn elsewhere.

    See Also
    --------
    Normal : From a normal distribution.
    Xavier : The width follows from the shape of the weight.

    Notes
    -----
    The numbers are those of ``numpy.random.Generator(numpy.random.Philox(key=...)).random``, bit
    for bit, for the key that `weightopt_core.random.stream` gives. MXNet draws others.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((100, 100), np.float32)
    >>> wo.init.Uniform(0.1, seed=1)("fc1_weight", weight)
    >>> bool(-0.1 <= weight.min() < -0.09 and 0.09 < weight.max() <= 0.1)
    True
    """

    scale = Real(0.07, "[0, inf)")

    def _init_weight(self, name, arr):
        self._uniform(name, arr, -self.scale, self.scale)
