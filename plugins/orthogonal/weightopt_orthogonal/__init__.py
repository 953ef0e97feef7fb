"""Orthogonal initialization (Saxe et al., 2013), https://arxiv.org/abs/1312.6120."""

import math

import numpy as np

from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import Choice, Real
from weightopt_core.initializer import RandomInitializer

__all__ = ["Orthogonal"]


class Orthogonal(RandomInitializer):
    r"""Initialize weights with a random orthogonal matrix, scaled.

    A weight of shape ``(out, *rest)`` is seen as a matrix :math:`W` with ``out`` rows. A matrix
    of random numbers is decomposed, :math:`A = U S V^T`, and

    .. math::

        W = \text{scale} \cdot \begin{cases}
            U D & \text{if there are no more columns than rows: } W^T W = \text{scale}^2 I \\
            D V^T & \text{otherwise: } W W^T = \text{scale}^2 I
        \end{cases}

    where :math:`D` is diagonal, each element 1 or -1 with equal chance.

    Parameters
    ----------
    scale : float, optional
        The length of each column, or of each row where these are fewer; at least 0.
    rand_type : {'uniform', 'normal'}, optional
        The numbers in :math:`A`: uniform in [-1, 1) or standard normal. With normal ones every
        orthogonal matrix is equally likely, rotations as well as reflections.
    seed : int, optional
        Makes the values independent of everything drawn elsewhere.

    Raises
    ------
    ValueError
        The weight has fewer than two dimensions, or one of 0.

    See Also
    --------
    DeltaOrthogonal : For convolutions: the matrix is in the middle of the kernel.
    Identity : One orthogonal matrix, always the same.
    Xavier : Keeps lengths on average alone.

    Notes
    -----
    Drawn and decomposed in float64 on the host, then rounded to the type of the weight. The
    decomposition is LAPACK's, so the last bits can differ from one build of NumPy to another.
    It leaves the signs of rows and columns open, and LAPACK's choice is no random one: of 2 by 2
    matrices it gives reflections only. MXNet takes that choice, and draws from NumPy's global
    generator; this draws signs and numbers from `weightopt_core.random`, so that its seed counts.

    References
    ----------
    A. M. Saxe, J. L. McClelland and S. Ganguli, "Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks", 2013, https://arxiv.org/abs/1312.6120

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((2, 3), np.float32)
    >>> wo.init.Orthogonal(scale=1, seed=1)("rnn_weight", weight)
    >>> np.allclose(weight @ weight.T, np.eye(2), atol=1e-6)
    True
    """

    scale = Real(1.414, "[0, inf)")
    rand_type = Choice("uniform", ("uniform", "normal"))

    def _init_weight(self, name, arr):
        if arr.ndim < 2 or 0 in arr.shape:
            raise self._misfit(name, arr, "two dimensions or more, none of them 0")
        rows, columns = arr.shape[0], math.prod(arr.shape[1:])
        drawn = np.empty(rows * columns + min(rows, columns))
        if self.rand_type == "uniform":
            self._uniform(name, drawn, -1.0, 1.0)
        else:
            self._normal(name, drawn, 0.0, 1.0)
        numbers, signs = drawn[: rows * columns], np.where(drawn[rows * columns :] < 0, -1.0, 1.0)
        left, _, right = np.linalg.svd(numbers.reshape(rows, columns), full_matrices=False)
        matrix = left * signs if rows >= columns else right * signs[:, None]
        backend_of(arr).copy(arr, (self.scale * matrix).reshape(arr.shape))
