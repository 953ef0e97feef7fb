"""AMSGrad (Reddi, Kale and Kumar, 2018), https://arxiv.org/abs/1904.09237."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import LearningRate, Real
from weightopt_core.rule import clip, maximum, sqrt

__all__ = ["AMSGrad", "amsgrad"]


@update_rule
def amsgrad(
    weight, grad, mean, var, top, *, lr, wd, rescale_grad, clip_gradient, beta1, beta2, epsilon, t
):
    grad = clip(rescale_grad * grad + wd * weight, clip_gradient)
    mean = beta1 * mean + (1 - beta1) * grad
    var = beta2 * var + (1 - beta2) * grad**2
    top = maximum(top, var)
    root = sqrt(top) / sqrt(1 - beta2**t) + epsilon
    return weight - lr / (1 - beta1**t) * mean / root, mean, var, top


class AMSGrad(Optimizer):
    r"""AMSGrad: Adam, divided by the largest mean square so far, so that no step size grows again.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g + wd \cdot w)` at update
    :math:`t` of the weight

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) \, G \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) \, G^2 \\
        \hat v &\leftarrow \max(\hat v, v) \\
        w &\leftarrow w - lr \, \frac{m / (1 - \beta_1^t)}
             {\sqrt{\hat v / (1 - \beta_2^t)} + \epsilon}

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
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    Adam : It divides by the present mean square, not by the largest.

    Notes
    -----
    State: ``mean``, ``var`` and ``top``, :math:`\hat v`, of the weight's shape and dtype; 12 bytes
    a float32 weight. As in Adam, the weight decay is part of the gradient, so it is clipped and
    scaled with it.

    With float16 weights and without `multi_precision` squares of gradients below 0.005 are 0 in the
    state, and steps are far too long.

    Differs from the paper: both means are corrected for bias, as in torch, which takes the largest
    before the correction; optax takes it after.

    References
    ----------
    S. J. Reddi, S. Kale and S. Kumar, "On the Convergence of Adam and Beyond", ICLR 2018,
    https://arxiv.org/abs/1904.09237

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> amsgrad = wo.optimizer.create("amsgrad", learning_rate=0.1)
    >>> weight = np.array([1.0, -2.0])
    >>> amsgrad.update(0, weight, np.array([3.0, -0.01]), amsgrad.create_state(0, weight))
    >>> weight.round(4)
    array([ 0.9, -1.9])
    """

    learning_rate = LearningRate(0.001, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.999, "[0, 1)")
    epsilon = Real(1e-8, "(0, inf)")

    rule = amsgrad
