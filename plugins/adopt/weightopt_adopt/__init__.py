"""ADOPT (Taniguchi et al., 2024), https://arxiv.org/abs/2411.02853."""

import math

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import Flag, LearningRate, Real
from weightopt_core.rule import clip, maximum, sqrt

__all__ = ["ADOPT", "adopt"]


@update_rule
def adopt(
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
    use_clipping,
    t,
):
    grad = clip(rescale_grad * grad, clip_gradient)
    # The first update only begins the mean square.
    moves = 0.0 if t == 1 else 1.0
    bound = math.sqrt(math.sqrt(max(t - 1, 1))) if use_clipping or t == 1 else math.inf
    unit = clip(grad / maximum(sqrt(var), epsilon), bound)
    mean = beta1 * mean + moves * (1 - beta1) * unit
    keep = moves * beta2
    var = keep * var + (1 - keep) * grad**2
    return (1 - moves * lr * wd) * weight - lr * mean, mean, var


class ADOPT(Optimizer):
    r"""ADOPT: Adam that divides a gradient by the mean square of those before it, for any `beta2`.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)` the first update of a weight is
    :math:`v \leftarrow G^2` alone, and update :math:`t > 1`

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) \,
             \mathrm{clip} \left( \frac{G}{\max(\sqrt v, \epsilon)}, (t - 1)^{1/4} \right) \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) \, G^2 \\
        w &\leftarrow (1 - lr \cdot wd) \, w - lr \cdot m

    Parameters
    ----------
    learning_rate : float, optional
        At least 0.
    beta1 : float, optional
        Decay of the mean :math:`m`, in [0, 1).
    beta2 : float, optional
        Decay of the mean square :math:`v`, in [0, 1).
    epsilon : float, optional
        The least that a gradient is divided by, above 0.
    use_clipping : bool, optional
        Whether a gradient in units of its root mean square is limited; it should be, where one may
        be near 0 at first.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    Adam : The mean square that it divides by holds the present gradient too.

    Notes
    -----
    State: ``mean`` and ``var``, of the weight's shape and dtype; 8 bytes a float32 weight. The
    weight decay is decoupled, as the authors advise: it is not clipped and not part of the
    gradient.

    With float16 weights and without `multi_precision` the mean square does not change: the share of
    a square in it, 0.0001, is rounded away.

    References
    ----------
    S. Taniguchi et al., "ADOPT: Modified Adam Can Converge with Any beta2 with the Optimal Rate",
    NeurIPS 2024, https://arxiv.org/abs/2411.02853

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> adopt = wo.optimizer.create("adopt", learning_rate=0.5, beta1=0.5)
    >>> weight = np.array([1.0, -2.0])
    >>> state = adopt.create_state(0, weight)
    >>> for _ in range(2):
    ...     adopt.update(0, weight, np.array([3.0, -0.01]), state)
    >>> weight
    array([ 0.75, -1.75])
    """

    learning_rate = LearningRate(0.001, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.9999, "[0, 1)")
    epsilon = Real(1e-6, "(0, inf)")
    use_clipping = Flag(True)

    rule = adopt
