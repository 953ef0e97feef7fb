"""An average of the weights of another optimizer (Polyak and Juditsky, 1992)."""

from weightopt_core import update_rule
from weightopt_core.algorithm import Conformance
from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import Real
from weightopt_core.optimizer import Exchanging, Following, Nested
from weightopt_core.optimizer.beside import Beside

__all__ = ["EMA", "ema", "exchange"]


@update_rule
def ema(weight, grad, average, *, decay):
    return weight, decay * average + (1 - decay) * weight


@update_rule
def exchange(weight, grad, average):
    return average, weight


class EMA(Exchanging, Following):
    r"""Keep an exponential moving average of each weight beside another optimizer's updates.

    After each update of a weight by the optimizer that is held

    .. math::

        a \leftarrow \beta a + (1 - \beta) \, w

    where the average :math:`a` begins as a copy of the weight, so that it has no bias that would
    have to be corrected. The weight is trained as without it.

    Parameters
    ----------
    optimizer : Optimizer
        What makes the updates: an optimizer, its name, or what its `dumps` returned.
    decay : float, optional
        The decay :math:`\beta`, in [0, 1); with 0.999 the average is over some thousand updates.
    **kwargs
        None: all common hyperparameters belong to `optimizer`.

    See Also
    --------
    Lookahead : The average is put in the place of the weights every few updates.
    ASGD : An average of all weights since some update, by an optimizer of its own.
    ScheduleFree : Gradients are taken near the average, which makes a schedule needless.

    Notes
    -----
    State: a pair of the average and the state of `optimizer`; 4 bytes a float32 weight. With
    `multi_precision` the average of a 16-bit weight is float32, and one of its master copy. Without
    that the average of 16-bit weights hardly moves, since small steps are rounded away.

    `swap` exchanges weight and average, both in place, and once more back. `averaged` does so for a
    ``with`` block. Meanwhile neither updates nor saving are possible.

    References
    ----------
    B. T. Polyak and A. B. Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM
    Journal on Control and Optimization 30, 1992

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> sgd = wo.optimizer.create("sgd", learning_rate=1)
    >>> optimizer = wo.optimizer.create("ema", optimizer=sgd, decay=0.5)
    >>> weight = np.array([0.0])
    >>> state = optimizer.create_state(0, weight)
    >>> optimizer.update(0, weight, np.array([-1.0]), state)
    >>> with optimizer.averaged(0, weight, state):
    ...     print(weight)
    [0.5]
    >>> weight
    array([1.])
    """

    optimizer = Nested()
    decay = Real(0.999, "[0, 1)")
    conformance = Conformance(arguments={"optimizer": ["sgd", {"momentum": 0.9}]})

    follows = ema

    def _prepare(self):
        super()._prepare()
        self._exchange = Beside(exchange)

    def __copy__(self):
        twin = super().__copy__()
        twin._exchange = Beside(exchange)
        return twin

    def exchange(self, indices, weights, states, back):
        grads = [backend_of(one).zeros_like(one) for one in weights]
        own, _, master = self._parted(indices, weights, states)
        self._exchange.run(self, indices, weights, grads, own, master)

    def step(self, indices, weights, grads, states):
        self.refuse_exchanged(indices)
        super().step(indices, weights, grads, states)

    def _check(self, indices, weights, grads, states):
        self.refuse_exchanged(indices)
        super()._check(indices, weights, grads, states)
