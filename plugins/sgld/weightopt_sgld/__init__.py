"""Stochastic gradient Langevin dynamics."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.algorithm import Conformance
from weightopt_core.hyperparameters import Integer
from weightopt_core.rule import clip, sqrt

__all__ = ["SGLD", "sgld"]


@update_rule
def sgld(weight, grad, noise, *, lr, wd, rescale_grad, clip_gradient):
    grad = clip(rescale_grad * grad, clip_gradient) + wd * weight
    return weight - lr / 2 * grad + sqrt(lr) * noise


class SGLD(Optimizer):
    r"""Stochastic gradient Langevin dynamics: half a gradient step, and noise of its size.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g) + wd \cdot w` and independent
    standard normal numbers :math:`\xi`

    .. math::

        w \leftarrow w - \frac{lr}{2} \, G + \sqrt{lr} \, \xi

    Where :math:`g` is the gradient of a negative log posterior and `lr` falls to 0, the weights
    become samples of that posterior.

    Parameters
    ----------
    seed : int, optional
        Makes the noise independent of everything drawn elsewhere; by default it follows from
        `weightopt_core.random.seed`.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    SGD : There is no noise: it finds a minimum instead of drawing weights.

    Notes
    -----
    State: none. The noise of a weight at its :math:`t`-th update follows from the seed, its name
    (or index) and :math:`t` alone, so it is the same on every device, with any number of threads
    and in any order of parameters; saved states carry the seed. Its variance is the learning rate
    of the weight, multipliers included.

    Differs from MXNet: the noise is another one, and it is seeded.

    References
    ----------
    S. Patterson and Y. W. Teh, "Stochastic Gradient Riemannian Langevin Dynamics on the
    Probability Simplex", NIPS 2013, https://papers.nips.cc/paper/4883

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> sgld = wo.optimizer.create("sgld", learning_rate=0.01, seed=1)
    >>> weight = np.zeros(100_000)
    >>> sgld.update(0, weight, np.ones(100_000), None)
    >>> print(f"{abs(weight.mean()):.2f} {weight.std():.2f}")
    0.00 0.10
    """

    seed = Integer(None, "[0, inf)", optional=True, kw_only=True)

    rule = sgld
    conformance = Conformance(expected_failures={"minimises_a_quadratic": "it draws weights"})
