"""Lookahead (Zhang and others, 2019), https://arxiv.org/abs/1907.08610."""

from weightopt_core import update_rule
from weightopt_core.algorithm import Conformance
from weightopt_core.hyperparameters import Integer, Real
from weightopt_core.optimizer import Following, Nested

__all__ = ["Lookahead", "lookahead"]


@update_rule
def lookahead(weight, grad, slow, *, alpha):
    slow = slow + alpha * (weight - slow)
    return slow, slow


class Lookahead(Following):
    r"""Lookahead: slow weights go a part of the way that another optimizer went.

    After every :math:`k` updates of a weight by the optimizer that is held

    .. math::

        s &\leftarrow s + \alpha \, (w - s) \\
        w &\leftarrow s

    Parameters
    ----------
    optimizer : Optimizer
        What makes the updates: an optimizer, its name, or what its `dumps` returned.
    steps : int, optional
        The number :math:`k` of updates, at least 1.
    alpha : float, optional
        The part :math:`\alpha` of the way, in (0, 1].
    **kwargs
        None: all common hyperparameters belong to `optimizer`.

    See Also
    --------
    EMA : The average is beside the weights, which do not notice it.

    Notes
    -----
    State: a pair of the slow weight :math:`s`, which begins as a copy of the weight, and the state
    of `optimizer`; 4 bytes a float32 weight. With `multi_precision` the slow weight is float32, and
    the master copy is set to it. The state of `optimizer` goes on as it is.

    The weight is evaluated best right after the slow one has moved.

    References
    ----------
    M. Zhang, J. Lucas, G. Hinton and J. Ba, "Lookahead Optimizer: k steps forward, 1 step back",
    NeurIPS 2019, https://arxiv.org/abs/1907.08610

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> sgd = wo.optimizer.create("sgd", learning_rate=1)
    >>> optimizer = wo.optimizer.create("lookahead", optimizer=sgd, steps=2)
    >>> weight = np.array([0.0])
    >>> state = optimizer.create_state(0, weight)
    >>> for _ in range(3):
    ...     optimizer.update(0, weight, np.array([-1.0]), state)
    ...     print(weight)
    [1.]
    [1.]
    [2.]
    """

    optimizer = Nested()
    steps = Integer(5, "[1, inf)")
    alpha = Real(0.5, "(0, 1]")
    conformance = Conformance(arguments={"optimizer": ["sgd", {"momentum": 0.9}]})

    follows = lookahead

    def is_due(self, t):
        return t % self.steps == 0
