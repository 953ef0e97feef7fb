"""Xavier initialization (Glorot and Bengio, 2010), https://proceedings.mlr.press/v9/glorot10a.html."""

import math

from weightopt_core.hyperparameters import Choice, Real
from weightopt_core.initializer import RandomInitializer

__all__ = ["Xavier"]


class Xavier(RandomInitializer):
    r"""Initialize weights so that gradients keep their scale from layer to layer.

    With :math:`s = \sqrt{\text{magnitude} / n}`, a weight is uniform in :math:`[-s, s)` or
    normal with mean 0 and standard deviation :math:`s`. For a weight of shape
    ``(out, in, *kernel)`` the fans are :math:`n_{in} = in \cdot \prod kernel` and
    :math:`n_{out} = out \cdot \prod kernel`.

    Parameters
    ----------
    rnd_type : {'uniform', 'gaussian'}, optional
        The distribution.
    factor_type : {'avg', 'in', 'out'}, optional
        Which fan :math:`n` is: :math:`(n_{in} + n_{out}) / 2`, :math:`n_{in}` or :math:`n_{out}`.
    magnitude : float, optional
        Scale of the random numbers, at least 0.
    seed : int, optional
        Makes the values independent of everything drawn elsewhere.

    Raises
    ------
    ValueError
        The weight has fewer than two dimensions, or a fan of 0.

    See Also
    --------
    MSRAPrelu : The scale is for layers that a rectifier follows.
    LeCun : The scale follows from the number of inputs alone.
    VarianceScaling : All of these by their scale, mode and distribution.
    Orthogonal : Keeps lengths exactly, not on average.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010, https://proceedings.mlr.press/v9/glorot10a.html

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((64, 100), np.float32)
    >>> wo.init.Xavier(seed=1)("fc1_weight", weight)
    >>> bool(abs(weight).max() <= np.sqrt(3 / 82))
    True
    """

    rnd_type = Choice("uniform", ("uniform", "gaussian"))
    factor_type = Choice("avg", ("avg", "in", "out"))
    magnitude = Real(3, "[0, inf)")

    def _init_weight(self, name, arr):
        if arr.ndim < 2 or 0 in arr.shape:
            raise self._misfit(name, arr, "two dimensions or more, none of them 0")
        scale = math.sqrt(self.magnitude / self._fan(arr.shape))
        if self.rnd_type == "uniform":
            self._uniform(name, arr, -scale, scale)
        else:
            self._normal(name, arr, 0.0, scale)

    def _fan(self, shape):
        kernel = math.prod(shape[2:])
        fan_in, fan_out = shape[1] * kernel, shape[0] * kernel
        return {"avg": (fan_in + fan_out) / 2, "in": fan_in, "out": fan_out}[self.factor_type]
