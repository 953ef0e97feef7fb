"""Lion (Chen et al., 2023), https://arxiv.org/abs/2302.06675."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import LearningRate, Real
from weightopt_core.rule import clip, sign

__all__ = ["Lion", "lion"]


@update_rule
def lion(weight, grad, mom, *, lr, wd, rescale_grad, clip_gradient, beta1, beta2):
    grad = clip(rescale_grad * grad, clip_gradient)
    step = sign(beta1 * mom + (1 - beta1) * grad)
    return (1 - lr * wd) * weight - lr * step, beta2 * mom + (1 - beta2) * grad


class Lion(Optimizer):
    r"""Lion: steps of one length, by the sign of a mean of gradients.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)`

    .. math::

        w &\leftarrow (1 - lr \cdot wd) \, w
             - lr \cdot \mathrm{sign}(\beta_1 m + (1 - \beta_1) \, G) \\
        m &\leftarrow \beta_2 m + (1 - \beta_2) \, G

    Parameters
    ----------
    learning_rate : float, optional
        The length of each step, at least 0; a third to a tenth of what suits Adam.
    beta1 : float, optional
        Weight of the mean :math:`m` beside the gradient in a step, in [0, 1).
    beta2 : float, optional
        Decay of the mean, in [0, 1).
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    Signum : One mean is both the state and what the sign is taken of.
    AdamW : A step is divided by a root mean square, which is a second state.

    Notes
    -----
    State: ``mom``, of the weight's shape and dtype; 4 bytes a float32 weight. The weight decay is
    decoupled: it is neither clipped nor part of the sign. Where the mean is 0 there is no step.

    References
    ----------
    X. Chen et al., "Symbolic Discovery of Optimization Algorithms", NeurIPS 2023,
    https://arxiv.org/abs/2302.06675

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> lion = wo.optimizer.create("lion", learning_rate=0.25)
    >>> weight = np.array([1.0, -2.0, 3.0])
    >>> lion.update(0, weight, np.array([5.0, -0.01, 0.0]), lion.create_state(0, weight))
    >>> weight
    array([ 0.75, -1.75,  3.  ])
    """

    learning_rate = LearningRate(0.0001, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.99, "[0, 1)")

    rule = lion
