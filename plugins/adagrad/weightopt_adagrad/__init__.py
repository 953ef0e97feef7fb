"""AdaGrad (Duchi, Hazan and Singer, 2011), https://jmlr.org/papers/v12/duchi11a.html."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import Real
from weightopt_core.rule import clip, sqrt

__all__ = ["AdaGrad", "adagrad"]


@update_rule
def adagrad(weight, grad, history, *, lr, wd, rescale_grad, clip_gradient, eps):
    grad = clip(rescale_grad * grad, clip_gradient)
    history = history + grad**2
    return weight - lr * (grad / sqrt(history + eps) + wd * weight), history


class AdaGrad(Optimizer):
    r"""AdaGrad: each element's step shrinks with the gradients that the element has seen.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)`

    .. math::

        h &\leftarrow h + G^2 \\
        w &\leftarrow w - lr \left( \frac{G}{\sqrt{h + \epsilon}} + wd \cdot w \right)

    Elements whose gradient is rarely other than 0 keep a large step, which suits sparse data.

    Parameters
    ----------
    eps : float, optional
        :math:`\epsilon`, above 0; keeps the division finite. It is inside the root.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    RMSProp : Old squares are forgotten, so that steps do not shrink.
    Ftrl : The sum is the same, and weights can become exactly 0.

    Notes
    -----
    State: ``history``, :math:`h`, of the weight's shape and dtype, the sum of all squared
    gradients; 4 bytes a float32 weight. It only grows, so the steps of a long training tend to
    0. The weight decay is decoupled: it is neither clipped nor divided by the root.

    Differs from MXNet: the state has the weight's dtype, not always float32.

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, "Adaptive Subgradient Methods for Online Learning and
    Stochastic Optimization", Journal of Machine Learning Research 12, 2011,
    https://jmlr.org/papers/v12/duchi11a.html

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> adagrad = wo.optimizer.create("adagrad", learning_rate=0.5)
    >>> weight = np.array([1.0, -2.0])
    >>> state = adagrad.create_state(0, weight)
    >>> for grad in ([3.0, -0.1], [4.0, 0.0]):
    ...     adagrad.update(0, weight, np.array(grad), state)
    >>> weight.round(4)
    array([ 0.1, -1.5])
    >>> state
    array([2.5e+01, 1.0e-02])
    """

    eps = Real(1e-7, "(0, inf)")

    rule = adagrad
