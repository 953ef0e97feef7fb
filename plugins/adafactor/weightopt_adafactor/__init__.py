"""Adafactor (Shazeer and Stern, 2018), https://arxiv.org/abs/1804.04235."""

import math

import numpy as np

from weightopt_core.errors import wording
from weightopt_core.hyperparameters import Flag, LearningRate, Real
from weightopt_core.optimizer import HostOptimizer
from weightopt_core.rule import norm, power

__all__ = ["Adafactor"]


class Adafactor(HostOptimizer):
    r"""Adafactor: of squared gradients, means of rows and columns are kept alone.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)` at update :math:`t` of a matrix,
    :math:`\beta = 1 - t^{-\gamma}`, and :math:`\mathrm{rms}(x)` the root of the mean square of all
    elements

    .. math::

        r_i &\leftarrow \beta r_i + (1 - \beta) \, \mathrm{mean}_j \, (G_{ij}^2 + \epsilon_1) \\
        c_j &\leftarrow \beta c_j + (1 - \beta) \, \mathrm{mean}_i \, (G_{ij}^2 + \epsilon_1) \\
        u_{ij} &= G_{ij} \, / \, \sqrt{r_i c_j / \mathrm{mean}(r)} \\
        u &\leftarrow u \, / \, \max(1, \mathrm{rms}(u) / d) \\
        m &\leftarrow \beta_1 m + (1 - \beta_1) \, u \\
        w &\leftarrow (1 - lr \cdot wd) \, w - \alpha \, m

    where :math:`\alpha = \max(\epsilon_2, \mathrm{rms}(w)) \min(lr, t^{-1/2})`, or :math:`lr`
    without `relative`. Of more than two dimensions the last two are those of matrices. Of a vector
    the mean square of each element is kept.

    Parameters
    ----------
    learning_rate : float, optional
        At least 0. With `relative` it is the largest part of a weight's size that a step goes.
    beta1 : float, optional
        Decay of the mean :math:`m`, in [0, 1). With 0 there is none, and :math:`u` stands for it.
    decay : float, optional
        The exponent :math:`\gamma`, in (0, 1].
    threshold : float, optional
        The largest root mean square :math:`d` of a step before :math:`\alpha`, above 0.
    epsilon1 : float, optional
        Added to squares, above 0.
    epsilon2 : float, optional
        The least size of a weight, above 0.
    relative : bool, optional
        Whether steps are relative to the size of the weight.
    wd : float, optional
        Weight decay, at least 0; apart from the gradient, as in AdamW.
    **kwargs
        Those of `weightopt_core.Optimizer`, but no `state_dtype`.

    See Also
    --------
    AdamW : Mean squares are kept for each element.

    Notes
    -----
    State: ``rows`` and ``columns``, of n and m numbers for a matrix of n rows and m columns; for a
    vector ``squares``, of its shape. With `beta1` above 0 also ``mean``, of the weight's shape. In
    float32, or in float64 for float64 weights: without a mean almost nothing for a matrix, and 4
    bytes a float32 weight of a vector.

    Sums are NumPy's, on the host; their last bits may differ from one machine to another. PyTorch
    adds no :math:`\epsilon_1` to squares, but takes it as the least estimate; for gradients well
    above it that is the same.

    References
    ----------
    N. Shazeer and M. Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", ICML
    2018, https://arxiv.org/abs/1804.04235

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> adafactor = wo.optimizer.create("adafactor", learning_rate=0.1)
    >>> weight = np.ones((2, 3), np.float32)
    >>> state = adafactor.create_state(0, weight)
    >>> [one.shape for one in state]
    [(2,), (3,)]
    >>> adafactor.update(0, weight, np.full((2, 3), 5, np.float32), state)
    >>> weight.round(4)
    array([[0.9, 0.9, 0.9],
           [0.9, 0.9, 0.9]], dtype=float32)
    """

    learning_rate = LearningRate(0.01, "[0, inf)")
    beta1 = Real(0.0, "[0, 1)")
    decay = Real(0.8, "(0, 1]")
    threshold = Real(1.0, "(0, inf)")
    epsilon1 = Real(1e-30, "(0, inf)")
    epsilon2 = Real(1e-3, "(0, inf)")
    relative = Flag(True)
    wd = Real(0.0, "[0, inf)")

    def state_shapes(self, shape):
        shapes = {"squares": shape}
        if len(shape) > 1:
            shapes = {"rows": shape[:-1], "columns": (*shape[:-2], shape[-1])}
        return {"mean": shape, **shapes} if self.beta1 else shapes

    def compute(
        self,
        weight,
        grad,
        *states,
        lr,
        wd,
        t,
        beta1,
        decay,
        threshold,
        epsilon1,
        epsilon2,
        relative,
    ):
        means, states = (states[:1], states[1:]) if self.beta1 else ((), states)
        if beta1 and not means:
            remedy = "create the optimizer with a beta1 above 0"
            got = f"{beta1} of one of them"
            raise ValueError(wording("beta1", "0 of all weights, which have no mean", got, remedy))
        square, new = grad * grad, power(t, -decay)
        square += epsilon1
        axes = (-1, -2) if grad.ndim > 1 else ((),)
        states = [old + new * (_mean(square, at) - old) for old, at in zip(states, axes)]
        if grad.ndim > 1:
            rows, columns = states
            # One after the other: the product of two small means may be below the range.
            part = rows / _mean(rows, -1)[..., None]
            step = np.divide(grad, np.sqrt(part)[..., None], out=square)
            step /= np.sqrt(columns)[..., None, :]
        else:
            step = grad / np.sqrt(states[0])
        step /= max(1.0, _rms(step) / threshold)
        if means:
            step = beta1 * means[0] + (1 - beta1) * step
            means = (step,)
        scale = max(epsilon2, _rms(weight)) * min(lr, 1 / math.sqrt(t)) if relative else lr
        new_weight = (1 - lr * wd) * weight
        new_weight -= scale * step
        return new_weight, *means, *states


def _mean(values, axis):
    """Return the means along an axis; of nothing they are 0."""
    return values.sum(axis) / max(1, values.shape[axis]) if axis != () else values


def _rms(values):
    return norm(values) / math.sqrt(max(1, values.size))
