"""Delay-compensated SGD (Zheng et al., 2017), https://arxiv.org/abs/1609.08326."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import Momentum, Real
from weightopt_core.rule import clip

__all__ = ["DCASGD", "dcasgd", "dcasgd_momentum"]


@update_rule
def dcasgd(weight, grad, previous, *, lr, wd, rescale_grad, clip_gradient, lamda):
    grad = clip(rescale_grad * grad, clip_gradient)
    grad = grad + wd * weight + lamda * grad**2 * (weight - previous)
    return weight - lr * grad, weight


@update_rule
def dcasgd_momentum(
    weight, grad, mom, previous, *, lr, wd, rescale_grad, clip_gradient, momentum, lamda
):
    grad = clip(rescale_grad * grad, clip_gradient)
    grad = grad + wd * weight + lamda * grad**2 * (weight - previous)
    mom = momentum * mom - lr * grad
    return weight + mom, mom, weight


class DCASGD(Optimizer):
    r"""Stochastic gradient descent that corrects gradients which come late.

    A worker that trains beside others computes its gradient at a weight :math:`w'` which the
    others have meanwhile moved to :math:`w`. A cheap estimate of the curvature, the squared
    gradient, carries the gradient over from one to the other. With
    :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)`

    .. math::

        d &= G + wd \cdot w + \lambda \, G^2 \, (w - w') \\
        s &\leftarrow \mu s - lr \cdot d \\
        w' &\leftarrow w \\
        w &\leftarrow w + s

    where without momentum :math:`s = -lr \cdot d`.

    Parameters
    ----------
    momentum : float, optional
        :math:`\mu`, in [0, 1). With 0 the state has no ``mom``, unless it was above 0
        before.
    lamda : float, optional
        :math:`\lambda`, the strength of the correction, at least 0.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    SGD : Nothing makes up for gradients that come late.

    Notes
    -----
    State: ``previous``, the weight :math:`w'` before the last update, at first a copy of the
    weight; before it, with momentum, ``mom``, the step :math:`s` that was last taken. Both have
    the weight's shape and dtype; 4 bytes a float32 weight, 8 with momentum. Neither the weight
    decay nor the correction is clipped.

    Differs from MXNet: momentum works, where MXNet up to 1.9 raises at the first update; a
    negative momentum is an error.

    References
    ----------
    S. Zheng et al., "Asynchronous Stochastic Gradient Descent with Delay Compensation", ICML
    2017, https://arxiv.org/abs/1609.08326

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> dcasgd = wo.optimizer.create("dcasgd", learning_rate=0.5, lamda=1.0)
    >>> weight = np.array([1.0, -2.0])
    >>> state = dcasgd.create_state(0, weight)
    >>> for _ in range(2):
    ...     dcasgd.update(0, weight, np.array([1.0, 1.0]), state)
    >>> weight
    array([ 0.25, -2.75])
    >>> state
    array([ 0.5, -2.5])
    """

    momentum = Momentum(0.0, "[0, 1)")
    lamda = Real(0.04, "[0, inf)")

    pulled_state = "previous"

    @property
    def rule(self):
        return dcasgd_momentum if self.momentum or self._has_momentum else dcasgd

    def initial_states(self, weight):
        """Return ``previous``, a copy of the weight, and with momentum zeros before it."""
        *zeros, _ = super().initial_states(weight)
        return [*zeros, backend_of(weight).duplicate(weight)]
