"""Averaged SGD (Polyak and Juditsky, 1992), https://doi.org/10.1137/0330046."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import Real
from weightopt_core.rule import clip

__all__ = ["ASGD", "asgd"]


@update_rule
def asgd(weight, grad, average, *, lr, wd, rescale_grad, clip_gradient, lamda, alpha, t0, t):
    grad = clip(rescale_grad * grad, clip_gradient) + wd * weight
    eta = lr / (1 + lamda * lr * (t - 1)) ** alpha
    weight = (1 - lamda * eta) * weight - eta * grad
    share = 1 / max(1.0, t - 1 - t0)
    return weight, (1 - share) * average + share * weight


class ASGD(Optimizer):
    r"""Averaged stochastic gradient descent: falling rates, and an average of the weights.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g) + wd \cdot w` at update :math:`t` of
    the weight

    .. math::

        \eta &= \frac{lr}{(1 + \lambda \, lr \, (t - 1))^\alpha}, \qquad
            \mu = \frac{1}{\max(1, t - 1 - t_0)} \\
        w &\leftarrow (1 - \lambda \eta) \, w - \eta \, G \\
        a &\leftarrow (1 - \mu) \, a + \mu \, w

    Parameters
    ----------
    lamda : float, optional
        :math:`\lambda`, a weight decay, and how fast the rate falls; at least 0.
    alpha : float, optional
        :math:`\alpha`, the power of the updates by which the rate falls, at least 0.
    t0 : float, optional
        :math:`t_0`, after how many updates the average begins, at least 0. Before, it is the
        weight.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    SGD : There is no average of the weights.
    EMA : The average is exponential, and beside any optimizer.

    Notes
    -----
    State: ``average``, :math:`a`, of the weight's shape and dtype; 4 bytes a float32 weight. It is
    what to predict with; nothing here swaps it in, as `ema` does with its average. The weight decay
    `wd` is part of the gradient, but it is not clipped.

    With 16-bit weights an average of thousands of them does not move: use `multi_precision`.

    All is as in torch, whose ``lambd`` is `lamda` here.

    References
    ----------
    B. T. Polyak and A. B. Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM
    Journal on Control and Optimization 30, 1992, https://doi.org/10.1137/0330046

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> asgd = wo.optimizer.create("asgd", lamda=0.0, t0=0, learning_rate=0.5)
    >>> weight = np.array([4.0])
    >>> average = asgd.create_state(0, weight)
    >>> for _ in range(3):
    ...     asgd.update(0, weight, np.array([1.0]), average)
    >>> weight, average
    (array([2.5]), array([2.75]))
    """

    lamda = Real(1e-4, "[0, inf)")
    alpha = Real(0.75, "[0, inf)")
    t0 = Real(1e6, "[0, inf)")

    rule = asgd
