"""Nadam (Dozat, 2016), https://cs229.stanford.edu/proj2015/054_report.pdf."""

import functools

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import LearningRate, Real
from weightopt_core.rule import clip, power, sqrt

__all__ = ["Nadam", "momentum", "momentum_product", "nadam"]


@update_rule
def nadam(
    weight,
    grad,
    mean,
    var,
    *,
    lr,
    wd,
    rescale_grad,
    clip_gradient,
    beta1,
    beta2,
    epsilon,
    now,
    later,
    product,
    t,
):
    grad = clip(rescale_grad * grad + wd * weight, clip_gradient)
    mean = beta1 * mean + (1 - beta1) * grad
    var = beta2 * var + (1 - beta2) * grad**2
    ahead = (1 - now) / (1 - product) * grad + later / (1 - product * later) * mean
    return weight - lr * ahead / (sqrt(var / (1 - beta2**t)) + epsilon), mean, var


def momentum(t, beta1, schedule_decay):
    r"""Return Nadam's momentum :math:`\mu_t` at update `t`."""
    return beta1 * (1 - 0.5 * power(0.96, t * schedule_decay))


@functools.lru_cache
def _products(beta1, schedule_decay, count):
    """Return as many of the first products of momenta, those that are not yet 0."""
    products, product = [], 1.0
    for update in range(1, count + 1):
        product *= momentum(update, beta1, schedule_decay)
        if product < 2**-54:
            break
        products.append(product)
    return tuple(products)


def momentum_product(t, beta1, schedule_decay):
    r"""Return :math:`M_t = \mu_1 \mu_2 \cdots \mu_t`, or 0 where :math:`1 - M_t` is 1 in double.

    That bounds the number of factors, to about 50 with the default hyperparameters.

    Examples
    --------
    >>> momentum_product(2, beta1=0.5, schedule_decay=0), momentum_product(99, 0.5, 0)
    (0.0625, 0.0)
    """
    # Twice as many whenever there are too few: each is multiplied about twice in a whole run.
    products = _products(beta1, schedule_decay, 1 << t.bit_length())
    if t > len(products):
        return 0.0
    return products[t - 1] if t else 1.0


class Nadam(Optimizer):
    r"""Nadam: Adam with Nesterov's momentum, which grows over the updates.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g + wd \cdot w)` at update
    :math:`t` of the weight

    .. math::

        \mu_t &= \beta_1 \left( 1 - \tfrac12 \, 0.96^{\, t \cdot \text{schedule\_decay}} \right),
            \qquad M_t = \mu_1 \mu_2 \cdots \mu_t \\
        m &\leftarrow \beta_1 m + (1 - \beta_1) \, G \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) \, G^2 \\
        \bar m &= \frac{1 - \mu_t}{1 - M_t} \, G + \frac{\mu_{t+1}}{1 - M_{t+1}} \, m \\
        w &\leftarrow w - lr \, \frac{\bar m}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    Parameters
    ----------
    learning_rate : float, optional
        At least 0.
    beta1 : float, optional
        Decay of the mean :math:`m`, and what the momentum :math:`\mu` tends to, in [0, 1).
    beta2 : float, optional
        Decay of the mean square :math:`v`, in [0, 1).
    epsilon : float, optional
        Keeps the division finite, above 0. It is outside the root.
    schedule_decay : float, optional
        How fast the momentum grows from half of `beta1` towards `beta1`, at least 0.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    Adam : The momentum is plain.
    NAG : It does not divide by a root mean square.

    Notes
    -----
    State: ``mean`` and ``var``, of the weight's shape and dtype; 8 bytes a float32 weight.
    :math:`M_t` is no state but a function of the weight's update count, see `momentum_product`;
    with `begin_num_update` it contains the updates that went before. The weight decay is part of
    the gradient, so it is clipped and scaled with it.

    With float16 weights and without `multi_precision` squares of gradients below 0.005 are 0 in the
    state, and steps are far too long.

    Differs from MXNet: MXNet has one :math:`M` for all weights and multiplies it at every update
    of any of them, so that results depend on the number of weights and on their order, and loses
    it when states are saved; here each weight has its own. MXNet before 1.1 multiplied the
    gradient by the weight decay, :math:`G = g \, (\text{rescale\_grad} + wd \cdot w)`. The
    gradient is left as it is.

    References
    ----------
    T. Dozat, "Incorporating Nesterov Momentum into Adam", ICLR 2016 workshop,
    https://cs229.stanford.edu/proj2015/054_report.pdf

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> nadam = wo.optimizer.create("nadam", learning_rate=0.1)
    >>> weight = np.array([1.0, -2.0])
    >>> state = nadam.create_state(0, weight)
    >>> nadam.update(0, weight, np.array([3.0, -0.01]), state)
    >>> weight.round(4)
    array([ 0.8944, -1.8944])
    """

    learning_rate = LearningRate(0.001, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.999, "[0, 1)")
    epsilon = Real(1e-8, "(0, inf)")
    schedule_decay = Real(0.004, "[0, inf)")

    rule = nadam

    numbers_by_group = True

    def numbers(self, index, t):
        """Return the momentum now and at the next update, and the product of all up to now."""
        schedule = self.beta1, self.schedule_decay
        return {
            "now": momentum(t, *schedule),
            "later": momentum(t + 1, *schedule),
            "product": momentum_product(t, *schedule),
        }
