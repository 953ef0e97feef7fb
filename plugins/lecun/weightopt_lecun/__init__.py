"""Initialization by the number of inputs (LeCun et al., 1998)."""

from weightopt_variancescaling import VarianceScaling

__all__ = ["LeCun"]


class LeCun(VarianceScaling):
    r"""Initialize weights with random numbers of variance one over the number of inputs.

    The standard deviation is :math:`1 / \sqrt{n_{in}}`, as of
    `weightopt_variancescaling.VarianceScaling`; for networks with the activation SELU, for one.

    Parameters
    ----------
    distribution : {'truncated_normal', 'normal', 'uniform'}, optional
        Which random numbers; those of ``lecun_normal`` of JAX and Keras are truncated.
    seed : int, optional
        Makes the values independent of everything drawn elsewhere.

    Raises
    ------
    ValueError
        The weight has fewer than two dimensions, or a fan of 0.

    See Also
    --------
    Kaiming : There is a gain, by the activation that follows.
    Xavier : The scale follows from inputs and outputs together.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Mueller, "Efficient BackProp", 1998,
    http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((64, 100), np.float32)
    >>> wo.init.LeCun(seed=1)("fc1_weight", weight)
    >>> bool(0.97 < weight.std() / 0.1 < 1.03)
    True
    """

    distribution = VarianceScaling.hyperparameters["distribution"]
    scale = 1.0
    mode = "fan_in"
