"""Follow the moving leader (Zheng and Kwok, 2017), http://proceedings.mlr.press/v70/zheng17a."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import LearningRate, Real
from weightopt_core.rule import clip, sqrt

__all__ = ["FTML", "ftml"]


@update_rule
def ftml(weight, grad, d, v, z, *, lr, wd, rescale_grad, clip_gradient, beta1, beta2, epsilon, t):
    grad = clip(rescale_grad * grad + wd * weight, clip_gradient)
    v = beta2 * v + (1 - beta2) * grad**2
    kept = beta1 * d
    d = (1 - beta1**t) / lr * (sqrt(v / (1 - beta2**t)) + epsilon)
    z = beta1 * z + (1 - beta1) * grad - (d - kept) * weight
    return -z / d, d, v, z


class FTML(Optimizer):
    r"""Follow the moving leader: the weight that recent gradients favour, old ones forgotten.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g + wd \cdot w)` at update
    :math:`t` of the weight

    .. math::

        v &\leftarrow \beta_2 v + (1 - \beta_2) \, G^2 \\
        d' &= \frac{1 - \beta_1^t}{lr} \left( \sqrt{\frac{v}{1 - \beta_2^t}} + \epsilon \right) \\
        z &\leftarrow \beta_1 z + (1 - \beta_1) \, G - (d' - \beta_1 d) \, w \\
        d &\leftarrow d' \\
        w &\leftarrow -\frac{z}{d}

    Parameters
    ----------
    learning_rate : float, optional
        Above 0.
    beta1 : float, optional
        How much of the earlier updates counts beside the present one, in [0, 1).
    beta2 : float, optional
        Decay of the mean square :math:`v`, in [0, 1).
    epsilon : float, optional
        Keeps the division finite, above 0. It is added to the corrected root.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    Raises
    ------
    ValueError
        By `update`, where the learning rate of the weight is 0, through a multiplier or a
        scheduler: the formula divides by it. Leave a weight that is not to change out.

    See Also
    --------
    Adam : Steps are added to the weight; old weights are not forgotten.
    Ftrl : Nothing is forgotten, and weights can become exactly 0.

    Notes
    -----
    State: ``d``, ``v`` and ``z``, of the weight's shape and dtype; 12 bytes a float32 weight. The
    new weight follows from the state alone, so a weight that is changed between updates goes back
    in part. As in Adam, the weight decay is part of the gradient, so it is clipped and scaled with
    it.

    With float16 weights and without `multi_precision` squares of gradients below 0.005 are 0 in the
    state; then :math:`d` and :math:`z` are too small to say where the weight is.

    Differs from MXNet: the gradient is left as it is; a learning rate of 0 is an error.

    References
    ----------
    S. Zheng and J. T. Kwok, "Follow the Moving Leader in Deep Learning", ICML 2017,
    http://proceedings.mlr.press/v70/zheng17a

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> ftml = wo.optimizer.create("ftml", learning_rate=0.1)
    >>> weight = np.array([1.0, -2.0])
    >>> ftml.update(0, weight, np.array([3.0, -0.01]), ftml.create_state(0, weight))
    >>> weight.round(4)
    array([ 0.9, -1.9])
    """

    learning_rate = LearningRate(0.0025, "(0, inf)")
    beta1 = Real(0.6, "[0, 1)")
    beta2 = Real(0.999, "[0, 1)")
    epsilon = Real(1e-8, "(0, inf)")

    rule = ftml

    numbers_by_group = True

    def numbers(self, index, t):
        """Return no numbers, but raise ValueError where the learning rate is not above 0."""
        self.require_lr(index)
        return {}
