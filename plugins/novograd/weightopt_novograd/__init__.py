"""NovoGrad (Ginsburg et al., 2019), https://arxiv.org/abs/1905.11286."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import Real
from weightopt_core.rule import clip, norm, sqrt

__all__ = ["NovoGrad", "novograd"]


@update_rule
def novograd(
    weight, grad, mean, var, *, lr, wd, rescale_grad, clip_gradient, beta1, beta2, epsilon, t
):
    grad = clip(rescale_grad * grad, clip_gradient)
    keep = 0.0 if t == 1 else beta2
    var = keep * var + (1 - keep) * norm(grad) ** 2
    mean = beta1 * mean + (grad / (sqrt(var) + epsilon) + wd * weight)
    return weight - lr * mean, mean, var


class NovoGrad(Optimizer):
    r"""NovoGrad: momentum of gradients, each divided by a running norm of the whole array.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)`, and :math:`\beta_2` taken as 0 at
    the first update

    .. math::

        v &\leftarrow \beta_2 v + (1 - \beta_2) \, \|G\|^2 \\
        m &\leftarrow \beta_1 m + \left( \frac{G}{\sqrt v + \epsilon} + wd \cdot w \right) \\
        w &\leftarrow w - lr \cdot m

    where the norm is Euclidean, of the whole array.

    Parameters
    ----------
    beta1 : float, optional
        Decay of the sum :math:`m`, in [0, 1).
    beta2 : float, optional
        Decay of the mean squared norm :math:`v`, in [0, 1).
    epsilon : float, optional
        Keeps the division finite, above 0.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    AdamW : It divides each element by a root mean square of its own.
    LAMB : Adam's step, scaled by the norm of the weight.

    Notes
    -----
    State: ``mean``, :math:`m`, and ``var``, of the weight's shape and dtype; 8 bytes a float32
    weight. Every element of ``var`` is the same :math:`v`, which in other implementations is one
    number: states here have the shape of their weight. Each weight array is what the paper calls a
    layer. The weight decay is part of the momentum, but not of the norm, and it is not clipped.

    With float16 weights and without `multi_precision` a norm above 255 is infinite in the state,
    and the weight no longer follows its gradient.

    References
    ----------
    B. Ginsburg et al., "Stochastic Gradient Methods with Layer-wise Adaptive Moments for Training
    of Deep Networks", 2019, https://arxiv.org/abs/1905.11286

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> novograd = wo.optimizer.create("novograd", learning_rate=0.5)
    >>> weight = np.array([1.0, -2.0])
    >>> novograd.update(0, weight, np.array([3.0, -4.0]), novograd.create_state(0, weight))
    >>> weight.round(4)
    array([ 0.7, -1.6])
    """

    beta1 = Real(0.95, "[0, 1)")
    beta2 = Real(0.98, "[0, 1)")
    epsilon = Real(1e-8, "(0, inf)")

    rule = novograd
