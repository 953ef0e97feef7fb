"""Signum and signSGD (Bernstein et al., 2018), https://arxiv.org/abs/1802.04434."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import Momentum, Real
from weightopt_core.rule import clip, sign

__all__ = ["Signum", "signsgd", "signum"]


@update_rule
def signsgd(weight, grad, *, lr, wd, rescale_grad, clip_gradient, wd_lh):
    step = sign(clip(rescale_grad * grad, clip_gradient))
    return (1 - lr * (wd + wd_lh)) * weight - lr * step


@update_rule
def signum(weight, grad, mom, *, lr, wd, rescale_grad, clip_gradient, momentum, wd_lh):
    grad = clip(rescale_grad * grad, clip_gradient) + wd * weight
    mom = momentum * mom - (1 - momentum) * grad
    return (1 - lr * wd_lh) * weight + lr * sign(mom), mom


class Signum(Optimizer):
    r"""Signum: steps of one length, by the sign of a mean of gradients.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)` and momentum :math:`\mu`

    .. math::

        s &\leftarrow \mu s - (1 - \mu) \, (G + wd \cdot w) \\
        w &\leftarrow (1 - lr \cdot wd_{lh}) \, w + lr \cdot \mathrm{sign}(s)

    and without momentum, which is signSGD,

    .. math::

        w \leftarrow (1 - lr \, (wd + wd_{lh})) \, w - lr \cdot \mathrm{sign}(G)

    Parameters
    ----------
    momentum : float, optional
        :math:`\mu`, in [0, 1). With 0 there is no state, unless it was above 0 before.
    wd_lh : float, optional
        :math:`wd_{lh}`, a weight decay that is apart from the gradient, at least 0. It goes by the
        learning rate of each weight, but by no multiplier of `wd`.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    SGD : A step is in proportion to the mean of gradients.
    Lion : The sign is of a mean that weighs the last gradient more than the state does.

    Notes
    -----
    State: ``mom``, :math:`s`, of the weight's shape and dtype, whose sign is that of the step; 4
    bytes a float32 weight, nothing without momentum. `wd` is part of the gradient with momentum,
    and apart from it without, as in MXNet; it is not clipped. Where the mean is 0 there is no step.

    Differs from MXNet: where the gradient is NaN, so is the weight; `wd_lh` acts without momentum
    too, where MXNet 1.9 ignores it; a negative momentum is an error.

    References
    ----------
    J. Bernstein, Y.-X. Wang, K. Azizzadenesheli and A. Anandkumar, "signSGD: Compressed
    Optimisation for Non-Convex Problems", ICML 2018, https://arxiv.org/abs/1802.04434

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> signum = wo.optimizer.create("signum", learning_rate=0.25)
    >>> weight = np.array([1.0, -2.0, 3.0])
    >>> signum.update(0, weight, np.array([5.0, -0.01, 0.0]), signum.create_state(0, weight))
    >>> weight
    array([ 0.75, -1.75,  3.  ])
    """

    momentum = Momentum(0.9, "[0, 1)")
    wd_lh = Real(0.0, "[0, inf)")

    @property
    def rule(self):
        return signum if self.momentum or self._has_momentum else signsgd
