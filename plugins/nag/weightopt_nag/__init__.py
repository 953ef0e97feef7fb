"""Stochastic gradient descent with Nesterov's momentum."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import Momentum
from weightopt_core.rule import clip

__all__ = ["NAG", "nag", "nag_momentum"]


@update_rule
def nag(weight, grad, *, lr, wd, rescale_grad, clip_gradient):
    return weight - lr * (clip(rescale_grad * grad, clip_gradient) + wd * weight)


@update_rule
def nag_momentum(weight, grad, mom, *, lr, wd, rescale_grad, clip_gradient, momentum):
    grad = clip(rescale_grad * grad, clip_gradient) + wd * weight
    mom = momentum * mom + grad
    return weight - lr * (grad + momentum * mom), mom


class NAG(Optimizer):
    r"""Nesterov's accelerated gradient: momentum that looks one step ahead.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g) + wd \cdot w`, without momentum

    .. math::

        w \leftarrow w - lr \cdot G

    and with momentum :math:`\mu`

    .. math::

        s &\leftarrow \mu s + G \\
        w &\leftarrow w - lr \, (G + \mu s)

    Parameters
    ----------
    momentum : float, optional
        :math:`\mu`, in [0, 1). With 0 there is no state, unless it was above 0 before.
    **kwargs
        Those of `weightopt_core.Optimizer`. Every argument is passed by keyword.

    See Also
    --------
    SGD : The momentum is plain, without the look ahead.
    Nadam : The look ahead is that of Adam's mean.

    Notes
    -----
    State: ``mom``, of the weight's shape and dtype, the decaying sum of gradients; 4 bytes a
    float32 weight, nothing without momentum. Unlike the state of SGD it has the gradient's sign
    and does not contain `lr`, so a change of `lr` acts on the whole step at once. The weight that
    is stored is the one looked ahead to, where the next gradient is wanted. The weight decay is
    not clipped.

    Differs from MXNet: a negative momentum is an error; float64 weights see exact doubles.

    References
    ----------
    Y. Nesterov, "A method for solving the convex programming problem with convergence rate
    O(1/k^2)", Soviet Mathematics Doklady 27, 1983.
    I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization and
    momentum in deep learning", ICML 2013, https://proceedings.mlr.press/v28/sutskever13.html

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> nag = wo.optimizer.create("nag", learning_rate=0.5, momentum=0.5)
    >>> weight = np.array([1.0, -2.0])
    >>> state = nag.create_state(0, weight)
    >>> for _ in range(2):
    ...     nag.update(0, weight, np.array([1.0, 1.0]), state)
    >>> weight
    array([-0.625, -3.625])
    """

    momentum = Momentum(0.0, "[0, 1)", kw_only=True)

    @property
    def rule(self):
        return nag_momentum if self.momentum or self._has_momentum else nag
