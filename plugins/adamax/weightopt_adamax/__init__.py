"""Adamax (Kingma and Ba, 2015, section 7.1), https://arxiv.org/abs/1412.6980."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import LearningRate, Real
from weightopt_core.rule import clip, maximum, where

__all__ = ["Adamax", "adamax"]


@update_rule
def adamax(weight, grad, mean, norm, *, lr, wd, rescale_grad, clip_gradient, beta1, beta2, t):
    grad = clip(rescale_grad * grad + wd * weight, clip_gradient)
    mean = beta1 * mean + (1 - beta1) * grad
    norm = maximum(beta2 * norm, abs(grad))
    step = lr / (1 - beta1**t) * mean / norm
    return where(norm == 0.0, weight, weight - step), mean, norm


class Adamax(Optimizer):
    r"""Adamax: Adam in units of the largest recent gradient instead of the mean square.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g + wd \cdot w)` at update
    :math:`t` of the weight

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) \, G \\
        u &\leftarrow \max(\beta_2 u, |G|) \\
        w &\leftarrow w - \frac{lr}{1 - \beta_1^t} \, \frac{m}{u}

    where the step is 0 for an element whose :math:`u` is 0. While the gradient does not change,
    the length of every step is :math:`lr`.

    Parameters
    ----------
    learning_rate : float, optional
        At least 0.
    beta1 : float, optional
        Decay of the mean :math:`m`, in [0, 1).
    beta2 : float, optional
        Decay of the infinity norm :math:`u`, in [0, 1).
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    Adam : A root mean square takes the place of the decaying maximum.

    Notes
    -----
    State: ``mean`` and ``norm``, of the weight's shape and dtype; 8 bytes a float32 weight. The
    weight decay is part of the gradient, so it is clipped and scaled with it.

    Differs from MXNet: an element that has seen no gradient other than 0 stays as it is, where
    MXNet divides 0 by 0 and makes it NaN.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, section 7.1,
    https://arxiv.org/abs/1412.6980

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> adamax = wo.optimizer.create("adamax", learning_rate=0.1)
    >>> weight = np.array([1.0, -2.0, 3.0])
    >>> state = adamax.create_state(0, weight)
    >>> adamax.update(0, weight, np.array([3.0, -0.01, 0.0]), state)
    >>> weight.round(6)
    array([ 0.9, -1.9,  3. ])
    """

    learning_rate = LearningRate(0.002, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.999, "[0, 1)")

    rule = adamax
