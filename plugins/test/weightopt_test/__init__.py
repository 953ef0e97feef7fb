"""The gradient added to the weight, for tests of what calls an optimizer."""

from weightopt_core import Optimizer, update_rule
from weightopt_core.algorithm import Conformance

__all__ = ["Test", "test"]


@update_rule
def test(weight, grad, copy, *, rescale_grad):
    weight = weight + rescale_grad * grad
    return weight, weight


class Test(Optimizer):
    r"""Add the gradient to the weight; easy to predict, for tests of what calls an optimizer.

    .. math::

        w &\leftarrow w + \text{rescale\_grad} \cdot g \\
        s &\leftarrow w

    Parameters
    ----------
    **kwargs
        Those of `weightopt_core.Optimizer`. Of these only `rescale_grad` has an effect on the
        weight: there is no learning rate, no weight decay and no clipping.

    Notes
    -----
    State: ``copy``, of the weight's shape and dtype; zeros at first, then the weight after its
    last update; 4 bytes a float32 weight.

    Differs from MXNet: updates are counted, and the state has the weight's dtype, not always
    float32.

    References
    ----------
    The class of this name in Apache MXNet,
    https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/optimizer/index.html

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> test = wo.optimizer.create("test", rescale_grad=0.5)
    >>> weight = np.array([1.0, -2.0])
    >>> state = test.create_state(0, weight)
    >>> test.update(0, weight, np.array([1.0, 1.0]), state)
    >>> weight, state
    (array([ 1.5, -1.5]), array([ 1.5, -1.5]))
    """

    #: pytest takes a class of this name for a group of tests otherwise.
    __test__ = False

    rule = test
    conformance = Conformance(expected_failures={"minimises_a_quadratic": "it adds the gradient"})

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
