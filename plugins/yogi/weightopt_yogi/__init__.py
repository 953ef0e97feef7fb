"""Yogi (Zaheer et al., 2018), https://papers.nips.cc/paper/8186."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import LearningRate, Real
from weightopt_core.rule import clip, sign, sqrt

__all__ = ["Yogi", "yogi"]


@update_rule
def yogi(weight, grad, mean, var, *, lr, wd, rescale_grad, clip_gradient, beta1, beta2, epsilon, t):
    grad = clip(rescale_grad * grad, clip_gradient)
    mean = beta1 * mean + (1 - beta1) * grad
    var = var - (1 - beta2) * (sign(var - grad**2) * grad**2)
    root = sqrt(var) / sqrt(1 - beta2**t) + epsilon
    return (1 - lr * wd) * weight - lr / (1 - beta1**t) * mean / root, mean, var


class Yogi(Optimizer):
    r"""Yogi: Adam, whose mean square changes by no more than the present square, up or down.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)` at update :math:`t` of the weight

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) \, G \\
        v &\leftarrow v - (1 - \beta_2) \, \mathrm{sign}(v - G^2) \, G^2 \\
        w &\leftarrow (1 - lr \cdot wd) \, w - lr \, \frac{m / (1 - \beta_1^t)}
             {\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    Parameters
    ----------
    learning_rate : float, optional
        At least 0.
    beta1 : float, optional
        Decay of the mean :math:`m`, in [0, 1).
    beta2 : float, optional
        One minus the share of a square that :math:`v` changes by, in [0, 1).
    epsilon : float, optional
        Keeps the division finite, above 0. It is added to the corrected root.
    initial_accumulator_value : float, optional
        What :math:`v` begins with, at least 0.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    Adam : The mean square moves in proportion to how far it is off.

    Notes
    -----
    State: ``mean`` and ``var``, of the weight's shape and dtype; 8 bytes a float32 weight. The
    weight decay is decoupled: it is neither clipped nor part of the gradient.

    With float16 weights and without `multi_precision` squares of gradients below 0.005 do not
    change the state.

    Differs from the paper: both means are corrected for bias, as in optax; there :math:`v` begins
    with the squares of a first batch. In optax the mean begins with `initial_accumulator_value`
    too, here with 0.

    References
    ----------
    M. Zaheer et al., "Adaptive Methods for Nonconvex Optimization", NeurIPS 2018,
    https://papers.nips.cc/paper/8186

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> yogi = wo.optimizer.create("yogi", learning_rate=0.1)
    >>> weight = np.array([1.0, -2.0])
    >>> yogi.update(0, weight, np.array([3.0, -0.01]), yogi.create_state(0, weight))
    >>> weight.round(4)
    array([ 0.9   , -1.9707])
    """

    learning_rate = LearningRate(0.01, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.999, "[0, 1)")
    epsilon = Real(1e-3, "(0, inf)")
    initial_accumulator_value = Real(1e-6, "[0, inf)")

    rule = yogi

    def initial_states(self, weight):
        """Return ``mean``, zeros, and ``var``, `initial_accumulator_value` everywhere."""
        mean, var = super().initial_states(weight)
        backend_of(weight).fill(var, self.initial_accumulator_value)
        return [mean, var]
