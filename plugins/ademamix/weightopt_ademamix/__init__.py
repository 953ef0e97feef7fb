"""AdEMAMix (Pagliardini, Ablin and Grangier, 2024), https://arxiv.org/abs/2409.03137."""

import math

from weightopt_core import Optimizer, update_rule
from weightopt_core.hyperparameters import Integer, LearningRate, Real
from weightopt_core.rule import clip, sqrt

__all__ = ["AdEMAMix", "ademamix", "slow_decay"]


@update_rule
def ademamix(
    weight,
    grad,
    mean,
    slow,
    var,
    *,
    lr,
    wd,
    rescale_grad,
    clip_gradient,
    beta1,
    beta2,
    beta3,
    alpha,
    epsilon,
    t,
):
    grad = clip(rescale_grad * grad, clip_gradient)
    mean = beta1 * mean + (1 - beta1) * grad
    slow = beta3 * slow + (1 - beta3) * grad
    var = beta2 * var + (1 - beta2) * grad**2
    step = lr / (1 - beta1**t) * mean + lr * alpha * slow
    root = sqrt(var) / sqrt(1 - beta2**t) + epsilon
    return (1 - lr * wd) * weight - step / root, mean, slow, var


def slow_decay(t, warmup, beta1, beta3):
    r"""Return the decay of the slow mean at update `t` of `warmup`, from `beta1` to `beta3`.

    What grows by equal steps is :math:`-1 / \ln \beta`, the memory of the mean in updates.

    Examples
    --------
    >>> [round(slow_decay(t, 4, 0.9, 0.9999), 4) for t in (0, 1, 2, 4, 9)]
    [0.9, 0.9996, 0.9998, 0.9999, 0.9999]
    """
    if not warmup or t >= warmup:
        return beta3
    first, last = (1 / math.log(beta) if beta else 0.0 for beta in (beta1, beta3))
    memory = (1 - t / warmup) * first + t / warmup * last
    return min(math.exp(1 / memory), beta3) if memory else 0.0


class AdEMAMix(Optimizer):
    r"""AdEMAMix: AdamW, with a second mean that remembers gradients of thousands of updates.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)` at update :math:`t` of the weight

    .. math::

        m_1 &\leftarrow \beta_1 m_1 + (1 - \beta_1) \, G \\
        m_2 &\leftarrow \beta_3 m_2 + (1 - \beta_3) \, G \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) \, G^2 \\
        w &\leftarrow (1 - lr \cdot wd) \, w - lr \,
             \frac{m_1 / (1 - \beta_1^t) + \alpha m_2}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    During the warm-up :math:`\alpha` grows from 0 in proportion to :math:`t`, and :math:`\beta_3`
    from :math:`\beta_1` as `slow_decay` has it.

    Parameters
    ----------
    learning_rate : float, optional
        At least 0.
    beta1 : float, optional
        Decay of the mean :math:`m_1`, in [0, 1).
    beta2 : float, optional
        Decay of the mean square :math:`v`, in [0, 1).
    beta3 : float, optional
        Decay of the slow mean :math:`m_2`, in [0, 1).
    alpha : float, optional
        Weight of the slow mean beside the other, at least 0.
    epsilon : float, optional
        Keeps the division finite, above 0. It is added to the corrected root.
    warmup : int, optional
        For how many updates `alpha` and `beta3` grow, at least 0; the authors advise all updates of
        the training.
    **kwargs
        Those of `weightopt_core.Optimizer`.

    See Also
    --------
    AdamW : There is one mean of gradients, the fast one.

    Notes
    -----
    State: ``mean``, ``slow`` and ``var``, of the weight's shape and dtype; 12 bytes a float32
    weight. The weight decay is decoupled as in AdamW: a step shrinks the weight by ``lr * wd``. The
    slow mean is not corrected for bias. The warm-up goes by the updates of each weight; the
    authors' code has one for each of the two, here they share it.

    With float16 weights and without `multi_precision` the slow mean does not move: the share of a
    gradient in it, 0.0001, is rounded away.

    References
    ----------
    M. Pagliardini, P. Ablin and D. Grangier, "The AdEMAMix Optimizer: Better, Faster, Older",
    ICLR 2025, https://arxiv.org/abs/2409.03137

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> ademamix = wo.optimizer.create("ademamix", learning_rate=0.1, beta3=0.9)
    >>> weight = np.array([1.0, -2.0])
    >>> ademamix.update(0, weight, np.array([3.0, -0.01]), ademamix.create_state(0, weight))
    >>> weight.round(4)
    array([ 0.85, -1.85])
    """

    learning_rate = LearningRate(0.001, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.999, "[0, 1)")
    beta3 = Real(0.9999, "[0, 1)")
    alpha = Real(5.0, "[0, inf)")
    epsilon = Real(1e-8, "(0, inf)")
    warmup = Integer(0, "[0, inf)")

    rule = ademamix

    numbers_by_group = True

    def numbers(self, index, t):
        """Return `alpha` and `beta3` of update `t`."""
        share = min(t / self.warmup, 1.0) if self.warmup else 1.0
        beta3 = slow_decay(t, self.warmup, self.beta1, self.beta3)
        return {"alpha": share * self.alpha, "beta3": beta3}
