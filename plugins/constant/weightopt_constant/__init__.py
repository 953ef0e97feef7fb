"""Weights of one given number."""

from weightopt_core import Initializer
from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import Real

__all__ = ["Constant"]


class Constant(Initializer):
    r"""Initialize weights to a number.

    Only parameters whose name asks for it, ending in ``weight``, are weights; biases and the like
    follow the rules of `weightopt_core.Initializer`. To fill any parameter, put it into the
    attribute ``__init__`` of its `weightopt_core.InitDesc`.

    Parameters
    ----------
    value : float
        Any finite number. In an array of integers its fraction is cut off.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as mx
    >>> weight = np.empty((1, 3), np.float32)
    >>> constant = mx.init.Constant(0.25)
    >>> constant("fc1_weight", weight)
    >>> weight
    array([[0.25, 0.25, 0.25]], dtype=float32)
    >>> slope = np.empty(2, np.float32)
    >>> mx.init.Zero()(mx.InitDesc("prelu_slope", {"__init__": constant.dumps()}), slope)
    >>> slope
    array([0.25, 0.25], dtype=float32)
    """

    value = Real()

    def _init_weight(self, name, arr):
        backend_of(arr).fill(arr, self.value)
