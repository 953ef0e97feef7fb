"""RMSProp (Tieleman and Hinton, 2012), and the centered form (Graves, 2013)."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.algorithm import Conformance
from weightopt_core.errors import wording
from weightopt_core.hyperparameters import Flag, LearningRate, Real
from weightopt_core.rule import clip, maximum, sqrt

__all__ = ["RMSProp", "rmsprop", "rmsprop_centered"]


@update_rule
def rmsprop(
    weight, grad, square, *, lr, wd, rescale_grad, clip_gradient, gamma1, epsilon, clip_weights
):
    grad = clip(rescale_grad * grad + wd * weight, clip_gradient)
    square = (1 - gamma1) * grad**2 + gamma1 * square
    weight = weight - lr * grad / sqrt(square + epsilon)
    return clip(weight, clip_weights), square


@update_rule
def rmsprop_centered(
    weight,
    grad,
    square,
    mean,
    delta,
    *,
    lr,
    wd,
    rescale_grad,
    clip_gradient,
    gamma1,
    gamma2,
    epsilon,
    clip_weights,
):
    grad = clip(rescale_grad * grad + wd * weight, clip_gradient)
    square = (1 - gamma1) * grad**2 + gamma1 * square
    mean = (1 - gamma1) * grad + gamma1 * mean
    variance = maximum(square - mean**2, 0.0)
    delta = gamma2 * delta - lr * grad / sqrt(variance + epsilon)
    return clip(weight + delta, clip_weights), square, mean, delta


class RMSProp(Optimizer):
    r"""RMSProp: steps in units of a running root mean square of the gradient.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g + wd \cdot w)`

    .. math::

        n &\leftarrow (1 - \gamma_1) \, G^2 + \gamma_1 n \\
        w &\leftarrow w - lr \, \frac{G}{\sqrt{n + \epsilon}}

    With `centered`, the standard deviation takes the place of the root mean square, and there is
    a momentum:

    .. math::

        n &\leftarrow (1 - \gamma_1) \, G^2 + \gamma_1 n \\
        m &\leftarrow (1 - \gamma_1) \, G + \gamma_1 m \\
        \Delta &\leftarrow \gamma_2 \Delta
            - lr \, \frac{G}{\sqrt{\max(n - m^2, 0) + \epsilon}} \\
        w &\leftarrow w + \Delta

    Parameters
    ----------
    learning_rate : float, optional
        At least 0.
    gamma1 : float, optional
        Decay of the averages :math:`n` and :math:`m`, in [0, 1).
    gamma2 : float, optional
        Momentum, in [0, 1). Only the centered form has one; without `centered` it is an error to
        give one above 0.
    epsilon : float, optional
        Keeps the division finite, above 0. It is inside the root.
    centered : bool, optional
        Which form to use.
    clip_weights : float, optional
        Every element of the new weight is limited to ``[-clip_weights, clip_weights]``; above 0.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    AdaGrad : Old squares are never forgotten, so that steps shrink.
    AdaDelta : A mean of earlier steps takes the place of the learning rate.
    Adam : There is a mean of gradients too, and both means are corrected for their start.

    Notes
    -----
    State: ``square``, :math:`n`; centered also ``mean``, :math:`m`, and ``delta``. Each has the
    weight's shape and dtype; 4 bytes a float32 weight, 12 centered. The weight decay is part of
    the gradient, so it is clipped and scaled with it.

    Differs from MXNet: the gradient is left as it is; a `clip_weights` of 0 or below is an error
    instead of no limit; rounding cannot make the variance :math:`n - m^2` negative; the state has
    the weight's dtype, not always float32.

    References
    ----------
    T. Tieleman and G. Hinton, "Lecture 6.5: rmsprop", 2012,
    https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf
    A. Graves, "Generating Sequences With Recurrent Neural Networks", 2013, equations 38 to 45,
    https://arxiv.org/abs/1308.0850

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> rmsprop = wo.optimizer.create("rmsprop", learning_rate=0.1, gamma1=0.75)
    >>> weight = np.array([1.0, -2.0])
    >>> state = rmsprop.create_state(0, weight)
    >>> rmsprop.update(0, weight, np.array([3.0, -0.01]), state)
    >>> weight.round(4)
    array([ 0.8, -1.8])
    """

    learning_rate = LearningRate(0.001, "[0, inf)")
    gamma1 = Real(0.9, "[0, 1)")
    gamma2 = Real(0.9, "[0, 1)")
    epsilon = Real(1e-8, "(0, inf)")
    centered = Flag(False)
    clip_weights = Real(None, "(0, inf)", optional=True)

    conformance = Conformance(
        expected_failures={"takes_what_its_ranges_allow": "gamma2 is for the centered form alone"}
    )

    def _prepare(self):
        _check_form(self.given())
        super()._prepare()

    def _take(self, name, value):
        if self._is_prepared and name in ("gamma2", "centered"):
            _check_form({**self.given(), name: value})
        super()._take(name, value)

    @property
    def rule(self):
        return rmsprop_centered if self.centered else rmsprop


def _check_form(given):
    """Raise ValueError where the momentum was given and the form has none."""
    if given.get("gamma2") and not given.get("centered"):
        got = f"{given['gamma2']!r} without"
        remedy = "set centered=True, or leave gamma2 out"
        raise ValueError(wording("gamma2", "centered=True beside it", got, remedy))
