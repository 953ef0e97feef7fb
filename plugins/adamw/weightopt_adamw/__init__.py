"""AdamW (Loshchilov and Hutter, 2019), https://arxiv.org/abs/1711.05101."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import LearningRate, Real
from weightopt_core.rule import clip, sqrt

__all__ = ["AdamW", "adamw"]


@update_rule
def adamw(
    weight, grad, mean, var, *, lr, wd, rescale_grad, clip_gradient, beta1, beta2, epsilon, t
):
    grad = clip(rescale_grad * grad, clip_gradient)
    mean = beta1 * mean + (1 - beta1) * grad
    var = beta2 * var + (1 - beta2) * grad**2
    root = sqrt(var) / sqrt(1 - beta2**t) + epsilon
    return (1 - lr * wd) * weight - lr / (1 - beta1**t) * mean / root, mean, var


class AdamW(Optimizer):
    r"""AdamW: Adam, with a weight decay that is apart from the gradient.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)` at update :math:`t` of the weight

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) \, G \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) \, G^2 \\
        w &\leftarrow (1 - lr \cdot wd) \, w - lr \, \frac{m / (1 - \beta_1^t)}
             {\sqrt{v / (1 - \beta_2^t)} + \epsilon}

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
    wd : float, optional
        Weight decay, at least 0.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    Adam : The weight decay is part of the gradient, and scaled with it.
    LAMB : Each step's length follows from the norm of the weight.
    Lion : The sign takes the place of the root mean square, and its state.
    AdEMAMix : There is a second, very slow mean of gradients.
    Adan : The differences of gradients count too.
    Adafactor : Of the mean squares rows and columns are kept alone.
    ScheduleFree : An average of the weights takes the place of a schedule.
    Prodigy : The learning rate is estimated.
    Muon : For matrices: the step is made nearly orthogonal.

    Notes
    -----
    State: ``mean`` and ``var``, of the weight's shape and dtype; 8 bytes a float32 weight. A step
    shrinks the weight by ``lr * wd``, so the decay follows the schedule; the paper's
    :math:`\lambda` is ``learning_rate * wd``.

    With float16 weights and without `multi_precision` squares of gradients below 0.005 are 0 in the
    state, and steps are far too long.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019,
    https://arxiv.org/abs/1711.05101

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> adamw = wo.optimizer.create("adamw", learning_rate=0.1, wd=0.5)
    >>> weight = np.array([1.0, -2.0])
    >>> adamw.update(0, weight, np.array([3.0, -0.01]), adamw.create_state(0, weight))
    >>> weight.round(4)
    array([ 0.85, -1.8 ])
    """

    learning_rate = LearningRate(0.001, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.999, "[0, 1)")
    epsilon = Real(1e-8, "(0, inf)")
    wd = Real(0.01, "[0, inf)")

    rule = adamw
