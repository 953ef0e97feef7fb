"""Sparse initialization (Martens, 2010)."""

import math

import numpy as np

from weightopt_core.algorithm import Conformance
from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import Real
from weightopt_core.initializer import RandomInitializer

__all__ = ["Sparse"]


class Sparse(RandomInitializer):
    r"""Initialize a matrix with normal numbers, and a part of each column with 0.

    Of :math:`n` rows, :math:`\lceil \text{sparsity} \cdot n \rceil` that are drawn for each column
    are 0.

    Parameters
    ----------
    sparsity : float, optional
        The part of each column that is 0, in [0, 1].
    std : float, optional
        The standard deviation of the others, at least 0.
    seed : int, optional
        Makes the values independent of everything drawn elsewhere.

    Raises
    ------
    ValueError
        The weight has not two dimensions.

    See Also
    --------
    Normal : No element is 0.

    Notes
    -----
    Drawn in float64 on the host, then rounded to the type of the weight. PyTorch has no default of
    `sparsity`.

    References
    ----------
    J. Martens, "Deep learning via Hessian-free optimization", ICML 2010,
    https://www.cs.toronto.edu/~jmartens/docs/Deep_HessianFree.pdf

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((10, 3), np.float32)
    >>> wo.init.Sparse(0.75, seed=1)("fc1_weight", weight)
    >>> (weight == 0).sum(axis=0)
    array([8, 8, 8])
    """

    sparsity = Real(0.9, "[0, 1]")
    std = Real(0.01, "[0, inf)")
    conformance = Conformance(shape=(30, 4))

    def _init_weight(self, name, arr):
        if arr.ndim != 2:
            raise self._misfit(name, arr, "two dimensions")
        self._refuse_integers(name, arr)
        drawn = np.empty((2, *arr.shape))
        self._normal(name, drawn, 0.0, 1.0)
        values, order = self.std * drawn[0], drawn[1].argsort(axis=0, kind="stable")
        zeros = math.ceil(self.sparsity * arr.shape[0])
        np.put_along_axis(values, order[:zeros], 0.0, axis=0)
        backend_of(arr).copy(arr, values)
