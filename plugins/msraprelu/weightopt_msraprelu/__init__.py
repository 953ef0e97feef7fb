"""Initialization for rectifiers (He et al., 2015), https://arxiv.org/abs/1502.01852."""

from weightopt_xavier import Xavier

from weightopt_core.hyperparameters import Real

__all__ = ["MSRAPrelu"]


class MSRAPrelu(Xavier):
    r"""Initialize weights so that activations behind a ReLU or PReLU keep their scale.

    A weight is normal with mean 0 and standard deviation

    .. math::

        s = \sqrt{\frac{2}{(1 + \text{slope}^2) \, n}}

    where :math:`n` is a fan of the layer, as for `weightopt_xavier.Xavier`.

    Parameters
    ----------
    factor_type : {'avg', 'in', 'out'}, optional
        Which fan :math:`n` is: :math:`(n_{in} + n_{out}) / 2`, :math:`n_{in}` or :math:`n_{out}`.
    slope : float, optional
        The initial slope of the PReLU for negative inputs; 0 for a ReLU.
    seed : int, optional
        Makes the values independent of everything drawn elsewhere.

    Raises
    ------
    ValueError
        The weight has fewer than two dimensions, or a fan of 0.

    See Also
    --------
    Kaiming : The same in the words of PyTorch.
    Xavier : The scale is for layers without a rectifier.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving Deep into Rectifiers: Surpassing Human-Level
    Performance on ImageNet Classification", 2015, https://arxiv.org/abs/1502.01852

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((64, 50, 3, 3), np.float32)
    >>> relu = wo.init.MSRAPrelu(factor_type="in", slope=0, seed=1)
    >>> relu("conv1_weight", weight)
    >>> bool(0.98 < weight.std() / np.sqrt(2 / (50 * 3 * 3)) < 1.02)
    True
    >>> relu.dumps()
    '["msraprelu", {"factor_type": "in", "slope": 0, "seed": 1}]'
    """

    factor_type = Xavier.hyperparameters["factor_type"]
    slope = Real(0.25)
    rnd_type = "gaussian"

    @property
    def magnitude(self):
        """The square of the standard deviation, times the fan."""
        return 2 / (1 + self.slope * self.slope)
