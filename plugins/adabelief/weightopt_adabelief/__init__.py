"""AdaBelief (Zhuang et al., 2020), https://arxiv.org/abs/2010.07468."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import LearningRate, Real
from weightopt_core.rule import clip, sqrt

__all__ = ["AdaBelief", "adabelief"]


@update_rule
def adabelief(
    weight, grad, mean, var, *, lr, wd, rescale_grad, clip_gradient, beta1, beta2, epsilon, t
):
    grad = clip(rescale_grad * grad, clip_gradient)
    mean = beta1 * mean + (1 - beta1) * grad
    var = beta2 * var + (1 - beta2) * (grad - mean) ** 2 + epsilon
    root = sqrt(var) / sqrt(1 - beta2**t) + epsilon
    return (1 - lr * wd) * weight - lr / (1 - beta1**t) * mean / root, mean, var


class AdaBelief(Optimizer):
    r"""AdaBelief: long steps where gradients are near their mean, short ones where they are not.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)` at update :math:`t` of the weight

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) \, G \\
        s &\leftarrow \beta_2 s + (1 - \beta_2) \, (G - m)^2 + \epsilon \\
        w &\leftarrow (1 - lr \cdot wd) \, w - lr \, \frac{m / (1 - \beta_1^t)}
             {\sqrt{s / (1 - \beta_2^t)} + \epsilon}

    Parameters
    ----------
    learning_rate : float, optional
        At least 0.
    beta1 : float, optional
        Decay of the mean :math:`m`, in [0, 1).
    beta2 : float, optional
        Decay of the mean squared distance :math:`s`, in [0, 1).
    epsilon : float, optional
        Keeps the division finite, above 0. It is added to the distance and to the corrected root.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    Adam : The squares are of the gradients themselves.

    Notes
    -----
    State: ``mean`` and ``var``, :math:`s`, of the weight's shape and dtype; 8 bytes a float32
    weight. The weight decay is decoupled, as the authors advise: it is not clipped and not part of
    the gradient.

    With float16 weights and without `multi_precision` squared distances below 3e-8 are 0 in the
    state, and steps are far too long.

    Differs from the paper: epsilon is 1e-16 as in the authors' later code and in optax, there 1e-8.
    MXNet 2.0 has the weight decay in the gradient.

    References
    ----------
    J. Zhuang et al., "AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed
    Gradients", NeurIPS 2020, https://arxiv.org/abs/2010.07468

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> adabelief = wo.optimizer.create("adabelief", learning_rate=0.1, beta1=0.5)
    >>> weight = np.array([1.0, -2.0])
    >>> adabelief.update(0, weight, np.array([3.0, -0.01]), adabelief.create_state(0, weight))
    >>> weight.round(4)
    array([ 0.8, -1.8])
    """

    learning_rate = LearningRate(0.001, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.999, "[0, 1)")
    epsilon = Real(1e-16, "(0, inf)")

    rule = adabelief
