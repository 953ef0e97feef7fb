"""LARS (You, Gitman and Ginsburg, 2017), https://arxiv.org/abs/1708.03888."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import Momentum, Real
from weightopt_core.rule import clip, norm

__all__ = ["LARS", "lars", "lars_momentum"]

#: Endings of the names of parameters that keep their learning rate.
UNSCALED = ("gamma", "beta", "bias")


@update_rule
def lars(weight, grad, *, lr, wd, rescale_grad, clip_gradient, eta, eps, scaled):
    size = norm(weight)
    length = norm(rescale_grad * grad)
    known = scaled and size > 0 and length > 0
    trust = eta * size / (length + wd * size + eps) if known else 1.0
    return weight - lr * trust * (clip(rescale_grad * grad, clip_gradient) + wd * weight)


@update_rule
def lars_momentum(
    weight, grad, mom, *, lr, wd, rescale_grad, clip_gradient, momentum, eta, eps, scaled
):
    size = norm(weight)
    length = norm(rescale_grad * grad)
    known = scaled and size > 0 and length > 0
    trust = eta * size / (length + wd * size + eps) if known else 1.0
    mom = momentum * mom + trust * (clip(rescale_grad * grad, clip_gradient) + wd * weight)
    return weight - lr * mom, mom


class LARS(Optimizer):
    r"""LARS: gradient descent, each step of a length in proportion to the norm of the weight.

    With :math:`g' = \text{rescale\_grad} \cdot g`

    .. math::

        \lambda &= \eta \, \frac{\|w\|}{\|g'\| + wd \, \|w\| + eps} \\
        s &\leftarrow \mu s + \lambda \, (\mathrm{clip}(g') + wd \cdot w) \\
        w &\leftarrow w - lr \cdot s

    where the norms are Euclidean, of the whole array. :math:`\lambda` is 1 where one of them is 0,
    and for parameters whose name ends in ``gamma``, ``beta`` or ``bias``.

    Parameters
    ----------
    momentum : float, optional
        :math:`\mu`, in [0, 1). With 0 there is no state, unless it was above 0 before.
    eta : float, optional
        :math:`\eta`, how much of its norm a weight moves by where `learning_rate` is 1; above 0.
    eps : float, optional
        Added to the norms that are divided by, at least 0.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    SGD : Steps do not depend on the norm of the weight.
    LAMB : The step whose length is set is Adam's.

    Notes
    -----
    State: ``mom``, :math:`s`, of the weight's shape and dtype; 4 bytes a float32 weight, nothing
    without momentum. Each weight array is what the paper calls a layer. The weight decay is part of
    the gradient, but neither clipped nor in its norm; the norm is that before clipping.

    Differs from MXNet: the learning rate is not in the state, so a change of it acts on the whole
    step. That is MXNet's ``momentum_correction``, which cannot be switched off here. Which names
    decay is the same as for every optimizer. Differs from the paper: in optax and there the rate is
    in the state.

    References
    ----------
    Y. You, I. Gitman and B. Ginsburg, "Large Batch Training of Convolutional Networks", 2017,
    https://arxiv.org/abs/1708.03888

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> lars = wo.optimizer.create("lars", learning_rate=1.0, eta=0.5)
    >>> weight = np.array([3.0, -4.0])
    >>> lars.update(0, weight, np.array([0.0, 2.0]), lars.create_state(0, weight))
    >>> weight
    array([ 3. , -6.5])
    """

    momentum = Momentum(0.0, "[0, 1)")
    eta = Real(0.001, "(0, inf)")
    eps = Real(0.0, "[0, inf)")

    @property
    def rule(self):
        return lars_momentum if self.momentum or self._has_momentum else lars

    def numbers(self, index, t):
        """Return whether the rate of the parameter is scaled, which its name tells."""
        return {"scaled": not str(self.idx2name.get(index, index)).endswith(UNSCALED)}
