"""AdaDelta (Zeiler, 2012), https://arxiv.org/abs/1212.5701."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import LearningRate, Real
from weightopt_core.rule import clip, sqrt

__all__ = ["AdaDelta", "adadelta"]


@update_rule
def adadelta(weight, grad, square, delta, *, lr, wd, rescale_grad, clip_gradient, rho, epsilon):
    grad = clip(rescale_grad * grad, clip_gradient)
    square = rho * square + (1 - rho) * grad**2
    step = sqrt(delta + epsilon) / sqrt(square + epsilon) * grad
    delta = rho * delta + (1 - rho) * step**2
    return weight - lr * (step + wd * weight), square, delta


class AdaDelta(Optimizer):
    r"""AdaDelta: steps whose size follows from the sizes of earlier steps and gradients.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)`

    .. math::

        a &\leftarrow \rho a + (1 - \rho) \, G^2 \\
        d &= \frac{\sqrt{b + \epsilon}}{\sqrt{a + \epsilon}} \, G \\
        b &\leftarrow \rho b + (1 - \rho) \, d^2 \\
        w &\leftarrow w - lr \, (d + wd \cdot w)

    The ratio of the roots has the unit of a weight over that of a gradient. So, but for
    :math:`\epsilon`, the step does not change when the loss is scaled, and a learning rate of 1
    is the method as published.

    Parameters
    ----------
    rho : float, optional
        :math:`\rho`, decay of both averages, in [0, 1).
    epsilon : float, optional
        :math:`\epsilon`, above 0, inside both roots. It keeps the division finite, and the
        first steps are about :math:`\sqrt{\epsilon / (1 - \rho)}` long.
    learning_rate : float, optional
        At least 0; 1 by default. By keyword alone.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    AdaGrad : Old squares are never forgotten, and there is a learning rate.
    RMSProp : A learning rate takes the place of the mean of earlier steps.

    Notes
    -----
    State: ``square``, :math:`a`, and ``delta``, :math:`b`, of the weight's shape and dtype; 8
    bytes a float32 weight. The weight decay is decoupled: it is neither clipped nor divided by
    the root, and :math:`b` does not contain it.

    Differs from MXNet: `learning_rate`, its multipliers and a scheduler act on the step and on
    the weight decay; MXNet ignores all three. With the default learning rate the results are the
    same. The gradient is left as it is, and the state has the weight's dtype, not always float32.

    References
    ----------
    M. D. Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012,
    https://arxiv.org/abs/1212.5701

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> adadelta = wo.optimizer.create("adadelta", rho=0.75, epsilon=0.01)
    >>> weight = np.array([1.0, -2.0])
    >>> state = adadelta.create_state(0, weight)
    >>> adadelta.update(0, weight, np.array([30.0, -40.0]), state)
    >>> weight.round(4)
    array([ 0.8, -1.8])
    """

    rho = Real(0.9, "[0, 1)")
    epsilon = Real(1e-5, "(0, inf)")
    learning_rate = LearningRate(1.0, "[0, inf)", kw_only=True)

    rule = adadelta
