"""LAMB (You et al., 2020), https://arxiv.org/abs/1904.00962."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import Flag, LearningRate, Real
from weightopt_core.rule import clip, norm, sqrt

__all__ = ["LAMB", "lamb"]


@update_rule
def lamb(
    weight,
    grad,
    mean,
    var,
    *,
    lr,
    wd,
    rescale_grad,
    clip_gradient,
    beta1,
    beta2,
    epsilon,
    lower_bound,
    upper_bound,
    bias_correction,
    t,
):
    grad = clip(rescale_grad * grad, clip_gradient)
    mean = beta1 * mean + (1 - beta1) * grad
    var = beta2 * var + (1 - beta2) * grad**2
    first = 1 / (1 - beta1**t) if bias_correction else 1.0
    second = 1 / (1 - beta2**t) if bias_correction else 1.0
    step = first * mean / (sqrt(second * var) + epsilon) + wd * weight
    size = norm(weight)
    size = size if lower_bound is None else max(size, lower_bound)
    size = size if upper_bound is None else min(size, upper_bound)
    length = norm(step)
    trust = 1.0 if size == 0 or length == 0 else size / length
    return weight - lr * trust * step, mean, var


class LAMB(Optimizer):
    r"""LAMB: Adam, each step of a length in proportion to the norm of the weight.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)` at update :math:`t` of the weight

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) \, G \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) \, G^2 \\
        r &= \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon} + wd \cdot w \\
        w &\leftarrow w - lr \, \frac{\phi(\|w\|)}{\|r\|} \, r

    where :math:`\phi(x) = \min(\max(x, \text{lower\_bound}), \text{upper\_bound})` and the norms
    are Euclidean, of the whole array. Where :math:`\phi` or :math:`\|r\|` is 0, the step is
    :math:`lr \, r`.

    Parameters
    ----------
    learning_rate : float, optional
        At least 0.
    beta1 : float, optional
        Decay of the mean :math:`m`, in [0, 1).
    beta2 : float, optional
        Decay of the mean square :math:`v`, in [0, 1).
    epsilon : float, optional
        Keeps the division finite, above 0. It is added to the corrected root.
    lower_bound, upper_bound : float, optional
        Limits of :math:`\phi`, the lower at least 0 and the upper above; None for no limit. A
        lower one above the upper one has no effect.
    bias_correction : bool, optional
        Whether :math:`m` and :math:`v` are divided by :math:`1 - \beta^t`.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    AdamW : Steps do not depend on the norm of the weight.
    LARS : The step whose length is set is that of momentum.

    Notes
    -----
    State: ``mean`` and ``var``, of the weight's shape and dtype; 8 bytes a float32 weight. Each
    weight array is what the paper calls a layer. A step is computed twice, first for its norm.

    References
    ----------
    Y. You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes",
    ICLR 2020, https://arxiv.org/abs/1904.00962

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> lamb = wo.optimizer.create("lamb", learning_rate=0.1)
    >>> weight = np.array([3.0, -4.0])
    >>> lamb.update(0, weight, np.array([0.5, -0.01]), lamb.create_state(0, weight))
    >>> weight.round(4)
    array([ 2.6464, -3.6465])
    """

    learning_rate = LearningRate(0.001, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.999, "[0, 1)")
    epsilon = Real(1e-6, "(0, inf)")
    lower_bound = Real(None, "[0, inf)", optional=True)
    upper_bound = Real(None, "(0, inf)", optional=True)
    bias_correction = Flag(True)

    rule = lamb
