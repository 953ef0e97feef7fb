"""Weights that make a transposed convolution interpolate between pixels."""

import numpy as np

from weightopt_core import Initializer
from weightopt_core.backends import backend_of

__all__ = ["Bilinear"]


class Bilinear(Initializer):
    r"""Initialize the weights of an upsampling layer to bilinear interpolation.

    In a weight of shape ``(out, in, height, width)``, for every pair of channels, the element in
    row :math:`y` and column :math:`x` is

    .. math::

        \left(1 - \left|\frac{y}{f} - c\right|\right) \left(1 - \left|\frac{x}{f} - c\right|\right),
        \quad f = \left\lceil \frac{width}{2} \right\rceil,
        \quad c = \frac{2f - 1 - (f \bmod 2)}{2f}

    Raises
    ------
    ValueError
        The weight has other than four dimensions, or one of 0.

    See Also
    --------
    Dirac : Passes on what it gets, without interpolation.

    Notes
    -----
    It interpolates where height and width are :math:`2f - (f \bmod 2)`, that is 1, 4, 5, 8, 9,
    12 and so on, and the layer's stride is :math:`f`: then the weights that add up to a pixel
    have the sum 1. A kernel of 2, 6, 10 and so on is the one of a pixel less, with a last row and
    a last column of 0. One of 3, 7, 11 and so on is filled by the same formula, and is no
    interpolation: its sums differ from pixel to pixel.

    The scale :math:`f` comes from the width alone, as in MXNet.
    MXNet up to 1.4 lets the rows drift when it runs on Python 3; these are the kernels that it
    gives on Python 2 and from 1.5 on.

    References
    ----------
    J. Long, E. Shelhamer and T. Darrell, "Fully Convolutional Networks for Semantic
    Segmentation", 2014, https://arxiv.org/abs/1411.4038

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((1, 1, 4, 4), np.float32)
    >>> wo.init.Bilinear()("up_weight", weight)
    >>> weight[0, 0, 1]
    array([0.1875, 0.5625, 0.5625, 0.1875], dtype=float32)
    """

    def _init_weight(self, name, arr):
        if arr.ndim != 4 or 0 in arr.shape:
            raise self._misfit(name, arr, "four dimensions, none of them 0")
        height, width = arr.shape[2:]
        factor = -(-width // 2)
        center = (2 * factor - 1 - factor % 2) / (2 * factor)
        row = 1 - abs(np.arange(width) / factor - center)
        column = 1 - abs(np.arange(height) / factor - center)
        backend_of(arr).copy(arr, np.broadcast_to(np.outer(column, row), arr.shape))
