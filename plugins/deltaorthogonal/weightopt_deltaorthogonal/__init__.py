"""Delta-orthogonal initialization (Xiao et al., 2018), https://arxiv.org/abs/1806.05393."""

import numpy as np
from weightopt_orthogonal import Orthogonal

from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import Choice, Real

__all__ = ["DeltaOrthogonal"]


class DeltaOrthogonal(Orthogonal):
    r"""Initialize a convolution with a random orthogonal matrix in the middle of its kernel.

    Of a weight of shape ``(out, in, *kernel)`` the elements at :math:`\lfloor (k - 1) / 2 \rfloor`
    of every dimension :math:`k` of the kernel are a matrix :math:`W` with
    :math:`W^T W = \text{scale}^2 I`, and all others are 0. So norms stay as they are, through any
    number of layers.

    Parameters
    ----------
    scale : float, optional
        The length of each column of :math:`W`, at least 0.
    rand_type : {'normal', 'uniform'}, optional
        Which numbers the matrix is made from, as for `weightopt_orthogonal.Orthogonal`; with normal
        ones every orthogonal matrix is equally likely.
    seed : int, optional
        Makes the values independent of everything drawn elsewhere.

    Raises
    ------
    ValueError
        The weight has not from three to five dimensions, one of them is 0, or it has fewer outputs
        than inputs.

    See Also
    --------
    Orthogonal : For matrices, and for a convolution seen as one.
    Dirac : The identity in the middle, in place of a random matrix.

    References
    ----------
    L. Xiao and others, "Dynamical Isometry and a Mean Field Theory of CNNs", ICML 2018,
    https://arxiv.org/abs/1806.05393

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((4, 2, 3), np.float32)
    >>> wo.init.DeltaOrthogonal(seed=1)("conv1_weight", weight)
    >>> np.allclose(weight[:, :, 1].T @ weight[:, :, 1], np.eye(2), atol=1e-6)
    True
    >>> bool(weight[:, :, [0, 2]].any())
    False
    """

    scale = Real(1.0, "[0, inf)")
    rand_type = Choice("normal", ("normal", "uniform"))

    def _init_weight(self, name, arr):
        if not 3 <= arr.ndim <= 5 or 0 in arr.shape or arr.shape[0] < arr.shape[1]:
            expected = "three to five dimensions, none of them 0, and at least as many outputs as"
            raise self._misfit(name, arr, f"{expected} inputs")
        self._refuse_integers(name, arr)
        matrix, values = np.empty(arr.shape[:2]), np.zeros(arr.shape)
        super()._init_weight(name, matrix)
        middle = tuple((size - 1) // 2 for size in arr.shape[2:])
        values[(slice(None), slice(None), *middle)] = matrix
        backend_of(arr).copy(arr, values)
