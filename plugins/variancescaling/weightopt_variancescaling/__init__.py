"""Initialization by the number of inputs or outputs, in the words of JAX and Keras."""

import math

from weightopt_core.hyperparameters import Choice, Real
from weightopt_core.initializer import RandomInitializer

__all__ = ["VarianceScaling"]

#: The standard deviation of a standard normal number that is at most 2 from its mean.
WITHIN_TWO = 0.87962566103423978


class VarianceScaling(RandomInitializer):
    r"""Initialize weights with random numbers of variance :math:`\text{scale} / n`.

    For a weight of shape ``(out, in, *kernel)`` the fans are :math:`n_{in} = in \cdot \prod kernel`
    and :math:`n_{out} = out \cdot \prod kernel`.

    Parameters
    ----------
    scale : float, optional
        Above 0.
    mode : {'fan_in', 'fan_out', 'fan_avg'}, optional
        Which fan :math:`n` is: :math:`n_{in}`, :math:`n_{out}` or their mean.
    distribution : {'truncated_normal', 'normal', 'uniform'}, optional
        Which random numbers. Truncated ones are at most two standard deviations from 0 of a normal
        distribution that is wider by as much as that makes the variance smaller.
    seed : int, optional
        Makes the values independent of everything drawn elsewhere.

    Raises
    ------
    ValueError
        The weight has fewer than two dimensions, or a fan of 0.

    See Also
    --------
    Xavier : One of these scales, with a distribution that is not truncated.
    Kaiming : The same for PyTorch's gains, with a distribution that is not truncated.
    TruncatedNormal : A deviation that is given.

    Notes
    -----
    JAX and Keras have weights of shape ``(*kernel, in, out)``; transpose them.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving Deep into Rectifiers", 2015,
    https://arxiv.org/abs/1502.01852; for the words, https://keras.io/api/layers/initializers

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((64, 100), np.float32)
    >>> wo.init.VarianceScaling(2.0, mode="fan_out", seed=1)("fc1_weight", weight)
    >>> bool(0.97 < weight.std() / np.sqrt(2 / 64) < 1.03)
    True
    """

    scale = Real(1.0, "(0, inf)")
    mode = Choice("fan_in", ("fan_in", "fan_out", "fan_avg"))
    distribution = Choice("truncated_normal", ("truncated_normal", "normal", "uniform"))

    def _init_weight(self, name, arr):
        if arr.ndim < 2 or 0 in arr.shape:
            raise self._misfit(name, arr, "two dimensions or more, none of them 0")
        kernel = math.prod(arr.shape[2:])
        fan_out, fan_in = arr.shape[0] * kernel, arr.shape[1] * kernel
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        sigma = math.sqrt(self.scale / fan)
        if self.distribution == "uniform":
            self._uniform(name, arr, -math.sqrt(3) * sigma, math.sqrt(3) * sigma)
        elif self.distribution == "normal":
            self._normal(name, arr, 0.0, sigma)
        else:
            wide = sigma / WITHIN_TWO
            self._truncated_normal(name, arr, 0.0, wide, -2 * wide, 2 * wide)
