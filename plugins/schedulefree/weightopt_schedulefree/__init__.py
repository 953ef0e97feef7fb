"""Schedule-free learning (Defazio and others, 2024), https://arxiv.org/abs/2405.15682."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import Choice, Integer, LearningRate, Real
from weightopt_core.optimizer import Exchanging
from weightopt_core.optimizer.beside import Beside
from weightopt_core.rule import clip, sqrt

__all__ = ["ScheduleFree", "average", "restored", "schedulefree_adamw", "schedulefree_sgd"]


@update_rule
def schedulefree_adamw(
    weight, grad, z, var, *,
    lr, wd, rescale_grad, clip_gradient, beta1, beta2, epsilon, t, warm, share,
):  # fmt: skip
    grad = clip(rescale_grad * grad, clip_gradient)
    var = beta2 * var + (1 - beta2) * grad**2
    step = grad / (sqrt(var) / sqrt(1 - beta2**t) + epsilon) + wd * weight
    weight = weight + share * (z - weight) - lr * warm * (1 - beta1 * (1 - share)) * step
    return weight, z - lr * warm * step, var


@update_rule
def schedulefree_sgd(
    weight, grad, z, *, lr, wd, rescale_grad, clip_gradient, beta1, warm, share
):  # fmt: skip
    step = clip(rescale_grad * grad, clip_gradient) + wd * weight
    weight = weight + share * (z - weight) - lr * warm * (1 - beta1 * (1 - share)) * step
    return weight, z - lr * warm * step


@update_rule
def average(weight, grad, z, *, beta1):
    return weight + (1 - 1 / beta1) * (z - weight), z


@update_rule
def restored(weight, grad, trained):
    return trained, trained


class ScheduleFree(Exchanging, Optimizer):
    r"""Schedule-free AdamW or SGD: an average of all weights takes the place of a schedule.

    With :math:`G = \mathrm{clip}(\text{rescale\_grad} \cdot g)` at update :math:`t` of the weight,
    and the gradient taken at :math:`y`, which is the weight while it is trained

    .. math::

        v &\leftarrow \beta_2 v + (1 - \beta_2) \, G^2 \\
        s &= G \, / \, (\sqrt{v / (1 - \beta_2^t)} + \epsilon) + wd \cdot y,
            \quad \text{or for SGD } G + wd \cdot y \\
        z &\leftarrow z - lr \, h_t \, s \\
        x &\leftarrow (1 - c_t) \, x + c_t z \\
        y &= (1 - \beta_1) \, z + \beta_1 x

    where :math:`h_t = \min(1, t / k)` rises in the first :math:`k` updates, and
    :math:`c_t = h_t^2 / \sum_{i \le t} h_i^2`. The weights to evaluate are the averages :math:`x`:
    `swap` lets weights be them, in place, and once more back. `averaged` does so for a ``with``
    block. Meanwhile neither updates nor saving are possible.

    Parameters
    ----------
    learning_rate : float, optional
        At least 0. For SGD it is far larger, from 1 to 10.
    base : {'adamw', 'sgd'}, optional
        What it is based on.
    beta1 : float, optional
        The part :math:`\beta_1` of the average in :math:`y`, in (0, 1).
    beta2 : float, optional
        Decay of the mean square :math:`v`, in [0, 1); for 'adamw'.
    epsilon : float, optional
        Keeps the division finite, above 0; for 'adamw'.
    warmup_steps : int, optional
        The number :math:`k` of updates in which the rate rises, at least 0.
    wd : float, optional
        Weight decay, at least 0.
    **kwargs
        Those of `weightopt_core.Optimizer`, but no `state_dtype`.

    See Also
    --------
    AdamW : It has no average, and needs a schedule.
    EMA : The average is only looked at: gradients are not taken near it.

    Notes
    -----
    State: ``z``, which begins as a copy of the weight, and for AdamW ``var``; of the weight's shape
    and dtype, 8 bytes a float32 weight, or 4 for SGD. The average :math:`x` is computed from
    weight and ``z``. While weights are exchanged, the trained ones are kept as copies, so that they
    come back bit for bit.

    With a scheduler the rate follows it, but :math:`c_t` goes by `warmup_steps` alone. The warm-up
    is that of the authors; optax begins it at a rate of 0.

    References
    ----------
    A. Defazio and others, "The Road Less Scheduled", NeurIPS 2024, https://arxiv.org/abs/2405.15682

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> optimizer = wo.optimizer.create("schedulefree", base="sgd", learning_rate=1, beta1=0.5)
    >>> weight = np.array([0.0])
    >>> state = optimizer.create_state(0, weight)
    >>> for _ in range(3):
    ...     optimizer.update(0, weight, np.array([-1.0]), state)
    >>> with optimizer.averaged(0, weight, state):
    ...     print(weight)
    [2.]
    >>> weight
    array([2.5])
    """

    learning_rate = LearningRate(0.0025, "[0, inf)")
    base = Choice("adamw", ("adamw", "sgd"))
    beta1 = Real(0.9, "(0, 1)")
    beta2 = Real(0.999, "[0, 1)")
    epsilon = Real(1e-8, "(0, inf)")
    warmup_steps = Integer(0, "[0, inf)")

    state_dtype = None  # z is a weight

    def _prepare(self):
        super()._prepare()
        self._average, self._restored, self._trained = Beside(average), Beside(restored), {}

    def __copy__(self):
        twin = super().__copy__()
        twin._average, twin._restored = Beside(average), Beside(restored)
        return twin

    @property
    def rule(self):
        return schedulefree_sgd if self.base == "sgd" else schedulefree_adamw

    def initial_states(self, weight):
        backend = backend_of(weight)
        return [backend.duplicate(weight), backend.zeros_like(weight)][: len(self.rule.states)]

    def numbers(self, index, t):
        self.refuse_exchanged((index,))
        k = self.warmup_steps
        if t < k:
            return {"warm": t / k, "share": 6 * t / ((t + 1) * (2 * t + 1))}
        rising = (k + 1) * (2 * k + 1) / (6 * k) - 1 if k else 0.0
        return {"warm": 1.0, "share": 1 / (rising + t - max(k - 1, 0))}

    def exchange(self, indices, weights, states, back):
        masters = [*map(self._master, indices, weights, states)]
        master = any(one is not None for one in masters)
        trained = self._trained if back else dict(zip(indices, self._copies(weights, masters)))
        own = []
        for index, state, copy in zip(indices, states, masters):
            one = trained[index] if back else state[0] if isinstance(state, tuple) else state
            own.append(one if copy is None else (one, copy))
        grads = [backend_of(one).zeros_like(one) for one in weights]
        run = self._restored if back else self._average
        run.run(self, indices, weights, grads, own, master)
        rest = {index: one for index, one in self._trained.items() if index not in indices}
        self._trained = rest if back else rest | trained

    def _copies(self, weights, masters):
        for weight, master in zip(weights, masters):
            yield backend_of(weight).duplicate(weight if master is None else master)
