"""Follow the regularized leader (McMahan et al., 2013), https://doi.org/10.1145/2487575.2488200."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import LearningRate, Real
from weightopt_core.rule import clip, sign, sqrt, where

__all__ = ["Ftrl", "ftrl"]


@update_rule
def ftrl(weight, grad, z, n, *, lr, wd, rescale_grad, clip_gradient, lamda1, beta):
    grad = clip(rescale_grad * grad, clip_gradient)
    total = n + grad**2
    z = z + grad - (sqrt(total) - sqrt(n)) * weight / lr
    shrunk = (sign(z) * lamda1 - z) / ((beta + sqrt(total)) / lr + wd)
    return where(abs(z) <= lamda1, 0.0, shrunk), z, total


class Ftrl(Optimizer):
    r"""Follow the regularized leader: steps scaled as in AdaGrad, and weights that are exactly 0.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)`

    .. math::

        z &\leftarrow z + G - \frac{\sqrt{n + G^2} - \sqrt{n}}{lr} \, w \\
        n &\leftarrow n + G^2 \\
        w &\leftarrow \begin{cases}
            0 & |z| \le \lambda_1 \\
            \dfrac{\mathrm{sign}(z) \, \lambda_1 - z}{(\beta + \sqrt{n}) / lr + wd} &
            \text{otherwise}
        \end{cases}

    Parameters
    ----------
    lamda1 : float, optional
        :math:`\lambda_1`, the strength of the L1 regularization, at least 0. The larger it is,
        the more weights are 0.
    learning_rate : float, optional
        Above 0.
    beta : float, optional
        :math:`\beta`, above 0; the larger it is, the smaller the first steps.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    Raises
    ------
    ValueError
        By `update`, where the learning rate of the weight is 0, through a multiplier or a
        scheduler: the formula divides by it. Leave a weight that is not to change out.

    See Also
    --------
    AdaGrad : The scale is the same; weights do not become exactly 0.
    FTML : Old gradients are forgotten.

    Notes
    -----
    State: ``z`` and ``n``, of the weight's shape and dtype; 8 bytes a float32 weight. The new
    weight follows from the state alone, and that starts at 0: the first update loses most of
    other initial weights, so initialize with 0. The weight decay is an L2 regularization, in the
    denominator.

    Differs from MXNet: a scheduler starts from `learning_rate`, not from 0.01. The gradient is
    left as it is, and the state has the weight's dtype, not always float32.

    References
    ----------
    H. B. McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013,
    https://doi.org/10.1145/2487575.2488200

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> ftrl = wo.optimizer.create("ftrl", lamda1=0.5, learning_rate=1.0)
    >>> weight = np.zeros(3)
    >>> state = ftrl.create_state(0, weight)
    >>> ftrl.update(0, weight, np.array([3.0, -1.5, 0.5]), state)
    >>> weight
    array([-0.625,  0.4  ,  0.   ])
    """

    lamda1 = Real(0.01, "[0, inf)")
    learning_rate = LearningRate(0.1, "(0, inf)")
    beta = Real(1, "(0, inf)")

    rule = ftrl

    numbers_by_group = True

    def numbers(self, index, t):
        """Return no numbers, but raise ValueError where the learning rate is not above 0."""
        self.require_lr(index)
        return {}
