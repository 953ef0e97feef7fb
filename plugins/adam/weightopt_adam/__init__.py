"""Adam (Kingma and Ba, 2015), https://arxiv.org/abs/1412.6980."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import LearningRate, Real
from weightopt_core.rule import clip, sqrt

__all__ = ["Adam", "adam"]


@update_rule
def adam(weight, grad, mean, var, *, lr, wd, rescale_grad, clip_gradient, beta1, beta2, epsilon, t):
    grad = clip(rescale_grad * grad + wd * weight, clip_gradient)
    mean = beta1 * mean + (1 - beta1) * grad
    var = beta2 * var + (1 - beta2) * grad**2
    step = lr * sqrt(1 - beta2**t) / (1 - beta1**t)
    return weight - step * mean / (sqrt(var) + epsilon), mean, var


class Adam(Optimizer):
    r"""Adam: steps in units of a running estimate of the gradient's root mean square.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g + wd \cdot w)` at update
    :math:`t` of the weight

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) \, G \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) \, G^2 \\
        w &\leftarrow w - lr \, \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \,
             \frac{m}{\sqrt{v} + \epsilon}

    Parameters
    ----------
    learning_rate : float, optional
        At least 0.
    beta1 : float, optional
        Decay of the mean :math:`m`, in [0, 1).
    beta2 : float, optional
        Decay of the mean square :math:`v`, in [0, 1).
    epsilon : float, optional
        Keeps the division finite, above 0. It is outside the root and not corrected for bias.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    AdamW : The weight decay is apart from the gradient.
    Nadam : The momentum is Nesterov's.
    Adamax : A decaying maximum takes the place of the root mean square.
    AMSGrad : It divides by the largest mean square so far.
    RAdam : The first steps are rectified, so that no warm-up is needed.
    AdaBelief : The squares are of how far gradients are from their mean.
    Yogi : The mean square changes by bounded amounts.
    ADOPT : It divides by the mean square of earlier gradients alone.
    RMSProp : There is no mean of gradients, and nothing is corrected.
    FTML : The weight is formed anew from sums, not from its last value.

    Notes
    -----
    State: ``mean`` and ``var``, of the weight's shape and dtype; 8 bytes a float32 weight. The
    weight decay is part of the gradient, so it is clipped and scaled with it.

    With float16 weights and without `multi_precision` squares of gradients below 0.005 are 0 in the
    state, and steps are far too long.

    Differs from MXNet: the gradient is left as it is; :math:`1 - \beta` is formed in double.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015,
    https://arxiv.org/abs/1412.6980

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> adam = wo.optimizer.create("adam", learning_rate=0.1)
    >>> weight = np.array([1.0, -2.0])
    >>> state = adam.create_state(0, weight)
    >>> adam.update(0, weight, np.array([3.0, -0.01]), state)
    >>> weight.round(4)
    array([ 0.9, -1.9])
    """

    learning_rate = LearningRate(0.001, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.999, "[0, 1)")
    epsilon = Real(1e-8, "(0, inf)")

    rule = adam
