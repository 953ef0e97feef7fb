"""Initialization for rectifiers (He et al., 2015), in the words of PyTorch."""

from weightopt_variancescaling import VarianceScaling

from weightopt_core.hyperparameters import Choice, Real

__all__ = ["Kaiming"]

#: The square of the gain of each nonlinearity; that of leaky_relu depends on its slope.
GAINS = {"linear": 1.0, "sigmoid": 1.0, "tanh": 25 / 9, "relu": 2.0, "selu": 9 / 16}


class Kaiming(VarianceScaling):
    r"""Initialize weights so that activations behind a rectifier keep their scale.

    The standard deviation is :math:`\text{gain} / \sqrt n` for a fan :math:`n`, as of
    `weightopt_variancescaling.VarianceScaling`. The gain is :math:`\sqrt{2 / (1 + a^2)}` for
    'leaky_relu', :math:`\sqrt 2` for 'relu', 5/3 for 'tanh', 3/4 for 'selu', and else 1.

    Parameters
    ----------
    a : float, optional
        The slope of 'leaky_relu' below 0.
    mode : {'fan_in', 'fan_out'}, optional
        Which fan :math:`n` is.
    nonlinearity : {'leaky_relu', 'relu', 'linear', 'sigmoid', 'tanh', 'selu'}, optional
        What comes behind.
    distribution : {'normal', 'uniform'}, optional
        Which random numbers: those of ``kaiming_normal_`` or of ``kaiming_uniform_``.
    seed : int, optional
        Makes the values independent of everything drawn elsewhere.

    Raises
    ------
    ValueError
        The weight has fewer than two dimensions, or a fan of 0.

    See Also
    --------
    MSRAPrelu : The same in the words of MXNet.
    Xavier : The scale is for layers without a rectifier, of inputs and outputs together.
    LeCun : The gain is 1.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving Deep into Rectifiers: Surpassing Human-Level
    Performance on ImageNet Classification", 2015, https://arxiv.org/abs/1502.01852

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((64, 50, 3, 3), np.float32)
    >>> wo.init.Kaiming(nonlinearity="relu", seed=1)("conv1_weight", weight)
    >>> bool(0.98 < weight.std() / np.sqrt(2 / (50 * 3 * 3)) < 1.02)
    True
    """

    a = Real(0.0)
    mode = Choice("fan_in", ("fan_in", "fan_out"))
    nonlinearity = Choice("leaky_relu", ("leaky_relu", *GAINS))
    distribution = Choice("normal", ("normal", "uniform"))

    @property
    def scale(self):
        """The square of the gain."""
        return GAINS.get(self.nonlinearity, 2 / (1 + self.a * self.a))
