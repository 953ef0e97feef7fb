"""Matrices that are the identity, for layers that pass on what they get."""

import numpy as np

from weightopt_core.algorithm import Conformance
from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import Real
from weightopt_core.initializer import Initializer

__all__ = ["Identity"]


class Identity(Initializer):
    r"""Initialize a matrix as the identity, times a gain.

    An element is `gain` on the main diagonal and 0 elsewhere, also where there are more rows than
    columns or fewer. For convolutions there is `weightopt_dirac.Dirac`.

    Parameters
    ----------
    gain : float, optional
        What stands on the diagonal.

    Raises
    ------
    ValueError
        The weight has not two dimensions.

    See Also
    --------
    Dirac : The same for convolutions.
    Orthogonal : A random orthogonal matrix.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((2, 3))
    >>> wo.init.Identity()("fc1_weight", weight)
    >>> weight
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """

    gain = Real(1.0)
    conformance = Conformance(shape=(6, 4))

    def _init_weight(self, name, arr):
        if arr.ndim != 2:
            raise self._misfit(name, arr, "two dimensions")
        backend_of(arr).copy(arr, self.gain * np.eye(*arr.shape))
