"""Rprop (Riedmiller and Braun, 1993), https://doi.org/10.1109/ICNN.1993.298623."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import Real
from weightopt_core.rule import clip, maximum, minimum, sign, where

__all__ = ["Rprop", "rprop"]


@update_rule
def rprop(
    weight,
    grad,
    before,
    size,
    *,
    lr,
    wd,
    rescale_grad,
    clip_gradient,
    eta_minus,
    eta_plus,
    min_step_size,
    max_step_size,
):
    now = sign(clip(rescale_grad * grad, clip_gradient))
    turn = now * before
    size = where(turn > 0, eta_plus * size, where(turn < 0, eta_minus * size, size))
    # Where the rate is 0 there is no step, and the sizes begin anew.
    shortest = min_step_size / lr if lr > 0 else 1.0
    longest = max_step_size / lr if lr > 0 else 1.0
    size = minimum(maximum(size, shortest), longest)
    now = where(turn < 0, 0.0, now)
    return (1 - lr * wd) * weight - lr * size * now, now, size


class Rprop(Optimizer):
    r"""Rprop: each element's step grows while its gradient keeps its sign, and shrinks otherwise.

    With :math:`s = \mathrm{sign}(\text{rescale\_grad} \cdot g)` and :math:`s'` that of the update
    before, at first 0

    .. math::

        z &\leftarrow \begin{cases}
            \eta_+ z & s s' > 0 \\ \eta_- z & s s' < 0 \\ z & \text{otherwise}
        \end{cases} \\
        z &\leftarrow \min(\max(z, \text{min\_step\_size} / lr), \text{max\_step\_size} / lr) \\
        s &\leftarrow 0 \quad \text{where } s s' < 0 \\
        w &\leftarrow (1 - lr \cdot wd) \, w - lr \cdot z \cdot s

    where :math:`z` is 1 at first.

    Parameters
    ----------
    eta_minus, eta_plus : float, optional
        :math:`\eta_-` and :math:`\eta_+`, by which the size of a step shrinks and grows, in [0, 1)
        and in [1, inf).
    min_step_size, max_step_size : float, optional
        The shortest and the longest step, above 0. The longest wins.
    **kwargs
        Those of `weightopt_core.Optimizer`; `learning_rate` is the length of the first step.

    See Also
    --------
    Signum : All steps are of one length, the learning rate.
    RMSProp : For gradients of batches: it divides by a running root mean square.

    Notes
    -----
    State: ``before``, :math:`s`, and ``size``, :math:`z`, of the weight's shape and dtype; 8 bytes
    a float32 weight. It is for gradients of the whole data: those of batches change their signs by
    chance. Only signs of gradients count, so no `clip_gradient` shows. The weight decay is apart
    from the gradient.

    Differs from the paper, as torch and optax do: a step that went too far is not taken back.
    Differs from these: sizes are in units of the learning rate, which they ignore after the first
    update. So a schedule and multipliers act on all steps, and with a constant rate the steps are
    torch's; optax takes each one update later. A product of gradients that is too small for its
    type still has a sign.

    References
    ----------
    M. Riedmiller and H. Braun, "A Direct Adaptive Method for Faster Backpropagation Learning: The
    RPROP Algorithm", ICNN 1993, https://doi.org/10.1109/ICNN.1993.298623

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> rprop = wo.optimizer.create("rprop", learning_rate=0.5)
    >>> weight = np.array([1.0, -2.0])
    >>> state = rprop.create_state(0, weight)
    >>> for grad in ([3.0, -0.01], [2.0, 0.01]):
    ...     rprop.update(0, weight, np.array(grad), state)
    >>> weight
    array([-0.1, -1.5])
    """

    eta_minus = Real(0.5, "[0, 1)")
    eta_plus = Real(1.2, "[1, inf)")
    min_step_size = Real(1e-6, "(0, inf)")
    max_step_size = Real(50.0, "(0, inf)")

    rule = rprop

    def initial_states(self, weight):
        """Return ``before``, zeros, and ``size``, ones."""
        before, size = super().initial_states(weight)
        backend_of(weight).fill(size, 1.0)
        return [before, size]
