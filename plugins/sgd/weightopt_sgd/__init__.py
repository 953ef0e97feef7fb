"""Stochastic gradient descent, with and without momentum."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import Flag, Momentum
from weightopt_core.rule import clip

__all__ = ["SGD", "ccSGD", "sgd", "sgd_momentum"]


@update_rule
def sgd(weight, grad, *, lr, wd, rescale_grad, clip_gradient):
    return (1 - lr * wd) * weight - lr * clip(rescale_grad * grad, clip_gradient)


@update_rule
def sgd_momentum(weight, grad, mom, *, lr, wd, rescale_grad, clip_gradient, momentum):
    mom = momentum * mom - lr * wd * weight - lr * clip(rescale_grad * grad, clip_gradient)
    return weight + mom, mom


class SGD(Optimizer):
    r"""Stochastic gradient descent with momentum and weight decay.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)`, without momentum

    .. math::

        w \leftarrow (1 - lr \cdot wd) \, w - lr \cdot G

    and with momentum :math:`\mu`

    .. math::

        s &\leftarrow \mu s - lr \cdot wd \cdot w - lr \cdot G \\
        w &\leftarrow w + s

    Parameters
    ----------
    momentum : float, optional
        :math:`\mu`, in [0, 1). With 0 there is no state, unless it was above 0 before.
    multi_precision : bool, optional
        Keep a float32 copy of each 16-bit weight in the state and update that. Weights of other
        types have the precision already.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    NAG : The gradient is taken where the momentum leads to.
    LARS : Each step's length follows from the norm of the weight.
    Signum : Of the mean of gradients the sign alone counts.

    Notes
    -----
    State: ``mom``, of the weight's shape and dtype, the step that was last taken; 4 bytes a
    float32 weight, nothing without momentum. The state's sign is that of the step, and `lr` is
    part of it already, so a change of `lr` acts on new gradients alone. The weight decay is not
    clipped.

    Differs from MXNet: a negative momentum is an error; float64 weights see exact doubles.

    References
    ----------
    B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964,
    https://doi.org/10.1016/0041-5553(64)90137-5

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> sgd = wo.optimizer.create("sgd", learning_rate=0.5, momentum=0.5)
    >>> weight = np.array([1.0, -2.0])
    >>> state = sgd.create_state(0, weight)
    >>> for _ in range(2):
    ...     sgd.update(0, weight, np.array([1.0, 1.0]), state)
    >>> weight
    array([-0.25, -3.25])
    """

    momentum = Momentum(0.0, "[0, 1)")
    multi_precision = Flag(False)

    @property
    def rule(self):
        return sgd_momentum if self.momentum or self._has_momentum else sgd


class ccSGD(SGD):  # noqa: N801 the page's name
    """The old name of `SGD`; the same in all else."""
