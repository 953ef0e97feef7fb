"""Adan (Xie et al., 2022), https://arxiv.org/abs/2208.06677."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import LearningRate, Real
from weightopt_core.rule import clip, sqrt

__all__ = ["Adan", "adan"]


@update_rule
def adan(
    weight,
    grad,
    mean,
    diff,
    var,
    previous,
    *,
    lr,
    wd,
    rescale_grad,
    clip_gradient,
    beta1,
    beta2,
    beta3,
    epsilon,
    t,
):
    grad = clip(rescale_grad * grad, clip_gradient)
    change = (0.0 if t == 1 else 1.0) * (grad - previous)
    mean = beta1 * mean + (1 - beta1) * grad
    diff = beta2 * diff + (1 - beta2) * change
    var = beta3 * var + (1 - beta3) * (grad + beta2 * change) ** 2
    step = lr / (1 - beta1**t) * mean + lr * beta2 / (1 - beta2**t) * diff
    root = sqrt(var) / sqrt(1 - beta3**t) + epsilon
    return (weight - step / root) / (1 + lr * wd), mean, diff, var, grad


class Adan(Optimizer):
    r"""Adan: Adam with Nesterov's momentum, looking ahead by the mean change of gradients.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)` at update :math:`t` of the weight,
    and :math:`G'` that of the update before, at first :math:`G` itself

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) \, G \\
        d &\leftarrow \beta_2 d + (1 - \beta_2) \, (G - G') \\
        v &\leftarrow \beta_3 v + (1 - \beta_3) \, (G + \beta_2 (G - G'))^2 \\
        w &\leftarrow \frac{1}{1 + lr \cdot wd} \left( w - lr \,
             \frac{m / (1 - \beta_1^t) + \beta_2 \, d / (1 - \beta_2^t)}
                  {\sqrt{v / (1 - \beta_3^t)} + \epsilon} \right)

    Parameters
    ----------
    learning_rate : float, optional
        At least 0; five to ten times what suits Adam.
    beta1 : float, optional
        Decay of the mean :math:`m`, in [0, 1).
    beta2 : float, optional
        Decay of the mean change :math:`d`, and how far to look ahead, in [0, 1).
    beta3 : float, optional
        Decay of the mean square :math:`v`, in [0, 1).
    epsilon : float, optional
        Keeps the division finite, above 0. It is added to the corrected root.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    AdamW : The differences of gradients are not used, and there are two states less.

    Notes
    -----
    State: ``mean``, ``diff``, ``var`` and ``previous``, :math:`G`, of the weight's shape and dtype;
    16 bytes a float32 weight. The weight decay is apart from the gradient, and divides: it is not
    clipped, and however large it is, no weight changes its sign by it.

    With float16 weights and without `multi_precision` squares of gradients below 0.002 are 0 in the
    state, and steps are far too long.

    Differs from the paper: each beta is one minus the paper's, as in the authors' code, and means
    are corrected for bias as there; the restarts of the paper are left out. optax looks ahead by
    :math:`1 - \beta_2` instead.

    References
    ----------
    X. Xie et al., "Adan: Adaptive Nesterov Momentum Algorithm for Faster Optimizing Deep Models",
    2022, https://arxiv.org/abs/2208.06677

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> adan = wo.optimizer.create("adan", learning_rate=0.1)
    >>> weight = np.array([1.0, -2.0])
    >>> adan.update(0, weight, np.array([3.0, -0.01]), adan.create_state(0, weight))
    >>> weight.round(4)
    array([ 0.9, -1.9])
    """

    learning_rate = LearningRate(0.001, "[0, inf)")
    beta1 = Real(0.98, "[0, 1)")
    beta2 = Real(0.92, "[0, 1)")
    beta3 = Real(0.99, "[0, 1)")
    epsilon = Real(1e-8, "(0, inf)")

    rule = adan
