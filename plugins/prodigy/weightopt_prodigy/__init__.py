"""Prodigy (Mishchenko and Defazio, 2023), https://arxiv.org/abs/2306.06101."""

import math

import numpy as np

from weightopt_core.hyperparameters import Flag, LearningRate, Real
from weightopt_core.optimizer import HostOptimizer
from weightopt_core.rule import power

__all__ = ["Prodigy"]


class Prodigy(HostOptimizer):
    r"""Prodigy: Adam, with a learning rate that is estimated from all weights of a call.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)` at update :math:`t`, the weight
    :math:`w_0` that training began with, and an estimate :math:`d`, at first :math:`d_0`

    .. math::

        \gamma &= d \cdot lr \, \sqrt{1 - \beta_2^t} \, / \, (1 - \beta_1^t) \\
        m &\leftarrow \beta_1 m + (1 - \beta_1) \, d \, G \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) \, d^2 G^2 \\
        r &\leftarrow \sqrt{\beta_2} \, r + \gamma \, d / d_0 \, \langle G, w_0 - w \rangle \\
        s &\leftarrow \sqrt{\beta_2} \, s + \gamma \, d / d_0 \, G \\
        d &\leftarrow \max(d, d_{coef} \, r \, / \, \|s\|_1) \\
        w &\leftarrow (1 - \gamma \cdot wd) \, w - \gamma \, m \, / \, (\sqrt v + d \, \epsilon)

    where :math:`r` and :math:`\|s\|_1` are sums over all weights of the call.

    Parameters
    ----------
    learning_rate : float, optional
        A factor of the estimate, at least 0; a schedule should begin at 1.
    beta1 : float, optional
        Decay of the mean :math:`m`, in [0, 1).
    beta2 : float, optional
        Decay of the mean square :math:`v`, in (0, 1).
    epsilon : float, optional
        Keeps the division finite, above 0.
    d0 : float, optional
        The first estimate, above 0; rather too small than too large.
    d_coef : float, optional
        A factor of later estimates, above 0.
    safeguard_warmup : bool, optional
        Whether :math:`d` stands for :math:`\gamma` in :math:`s`, for rates that begin near 0.
    wd : float, optional
        Weight decay, at least 0; apart from the gradient, as in AdamW.
    **kwargs
        Those of `weightopt_core.Optimizer`, but no `state_dtype`.

    See Also
    --------
    AdamW : The learning rate is given.

    Notes
    -----
    The weights of one list are one model: give all of them to each call of `update`. A weight that
    is updated by itself is a model of its own, with an estimate of its own. Where weights of
    different estimates come in one list, all go on from the largest.

    State: ``mean``, ``var``, ``total``, which is :math:`s`, and ``start``, of the weight's shape;
    its own part ``numerator`` of :math:`r`, and ``estimate``: 16 bytes a float32 weight, and 8. So
    a resumed run needs nothing beside the states.

    Sums are formed in double, and do not depend on the order of the weights in a list. They are
    NumPy's, on the host; last bits may differ from one machine to another. The bias correction is
    optax's; the authors' package has it as an option.

    References
    ----------
    K. Mishchenko and A. Defazio, "Prodigy: An Expeditiously Adaptive Parameter-Free Learner", ICML
    2024, https://arxiv.org/abs/2306.06101

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> prodigy = wo.optimizer.create("prodigy")
    >>> weight = np.array([1.0, -1.0])
    >>> state = prodigy.create_state(0, weight)
    >>> for _ in range(200):
    ...     prodigy.update(0, weight, 2 * weight, state)
    >>> bool((abs(weight) < 0.1).all())
    True
    """

    learning_rate = LearningRate(1.0, "[0, inf)")
    beta1 = Real(0.9, "[0, 1)")
    beta2 = Real(0.999, "(0, 1)")
    epsilon = Real(1e-8, "(0, inf)")
    d0 = Real(1e-6, "(0, inf)")
    d_coef = Real(1.0, "(0, inf)")
    safeguard_warmup = Flag(False)

    def state_shapes(self, shape):
        return {**super().state_shapes(shape), "numerator": (), "estimate": ()}

    def initial_states(self, weight):
        mean, var, total, _, numerator, _ = super().initial_states(weight)
        return mean, var, total, weight.copy(), numerator, np.array(self.d0, weight.dtype)

    def compute(
        self, weight, grad, mean, var, total, start, numerator, estimate, *, lr, wd, t, beta1, beta2
    ):
        """Return what precedes the new estimate: the decayed weight, the step, and states."""
        d = float(estimate)
        rate = d * lr * math.sqrt(1 - power(beta2, t)) / (1 - power(beta1, t))
        mean = beta1 * mean + (1 - beta1) * d * grad
        var = beta2 * var + (1 - beta2) * (d * grad) ** 2
        beta3 = math.sqrt(beta2)
        total = beta3 * total + (d if self.safeguard_warmup else rate) * d / self.d0 * grad
        way = np.vdot(grad.astype(float), start.astype(float) - weight)
        numerator = beta3 * float(numerator) + rate * d / self.d0 * float(way)
        return (1 - rate * wd) * weight, rate * mean, mean, var, total, start, numerator

    def compute_all(self, arrays, numbers):
        halves = super().compute_all(arrays, numbers)
        # math.fsum rounds once, so that the order of the weights does not matter.
        norm = math.fsum(float(abs(half[4]).sum(dtype=float)) for half in halves)
        d = max(float(given[-1]) for given in arrays)
        if norm > 0:
            d = max(d, self.d_coef * math.fsum(half[-1] for half in halves) / norm)
        return [
            (weight - step / (np.sqrt(var) + d * self.epsilon), mean, var, *rest, d)
            for weight, step, mean, var, *rest in halves
        ]
