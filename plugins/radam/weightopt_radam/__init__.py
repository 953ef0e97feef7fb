"""RAdam (Liu et al., 2020), https://arxiv.org/abs/1908.03265."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import LearningRate, Real
from weightopt_core.rule import clip, sqrt

__all__ = ["RAdam", "radam"]


@update_rule
def radam(
    weight, grad, mean, var, *, lr, wd, rescale_grad, clip_gradient, beta1, beta2, epsilon, t
):
    grad = clip(rescale_grad * grad, clip_gradient) + wd * weight
    mean = beta1 * mean + (1 - beta1) * grad
    var = beta2 * var + (1 - beta2) * grad**2
    most = 2 / (1 - beta2) - 1
    length = most - 2 * t * beta2**t / (1 - beta2**t)
    rectified = (
        sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
        if length > 5
        else 1.0
    )
    # With few gradients the root is left out: it is times 0, and 1 is added.
    unit = 1 / sqrt(1 - beta2**t) if length > 5 else 0.0
    root = unit * sqrt(var) + (epsilon if length > 5 else 1.0)
    return weight - lr * rectified / (1 - beta1**t) * mean / root, mean, var


class RAdam(Optimizer):
    r"""RAdam: Adam, its first steps shortened by how little is known of the mean square.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g) + wd \cdot w` at update
    :math:`t` of the weight

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) \, G \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) \, G^2 \\
        \rho_\infty &= \frac{2}{1 - \beta_2} - 1, \qquad
            \rho = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}

    and where :math:`\rho > 5`

    .. math::

        r &= \sqrt{\frac{(\rho - 4) (\rho - 2) \, \rho_\infty}
             {(\rho_\infty - 4) (\rho_\infty - 2) \, \rho}} \\
        w &\leftarrow w - lr \cdot r \, \frac{m / (1 - \beta_1^t)}
             {\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    otherwise

    .. math::

        w \leftarrow w - lr \, \frac{m}{1 - \beta_1^t}

    Parameters
    ----------
    learning_rate : float, optional
        At least 0.
    beta1 : float, optional
        Decay of the mean :math:`m`, in [0, 1).
    beta2 : float, optional
        Decay of the mean square :math:`v`, in [0, 1). Up to 2/3 no step is adaptive.
    epsilon : float, optional
        Keeps the division finite, above 0. It is added to the corrected root.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    Adam : The first steps are as long as all others, and mostly need a warm-up.

    Notes
    -----
    State: ``mean`` and ``var``, of the weight's shape and dtype; 8 bytes a float32 weight. The
    weight decay is part of the gradient, but it is not clipped. With the default `beta2` the first
    5 steps are those of gradient descent with momentum, whose length is that of the gradients.

    With float16 weights and without `multi_precision` squares of gradients below 0.005 are 0 in the
    state, and steps are far too long.

    Differs from the paper: the bound of :math:`\rho` is 5 as in torch and optax, there 4; torch
    adds epsilon to the uncorrected root.

    References
    ----------
    L. Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", ICLR 2020,
    https://arxiv.org/abs/1908.03265

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> radam = wo.optimizer.create("radam", learning_rate=0.1)
    >>> weight = np.array([1.0, -2.0])
    >>> state = radam.create_state(0, weight)
    >>> for _ in range(6):
    ...     radam.update(0, weight, np.array([1.0, -0.5]), state)
    >>> weight.round(4)
    array([ 0.4974, -1.7474])
    """

    learning_rate = LearningRate(0.001, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.999, "[0, 1)")
    epsilon = Real(1e-8, "(0, inf)")

    rule = radam
