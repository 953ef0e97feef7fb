"""Weights of one."""

from weightopt_core import Initializer

__all__ = ["One"]


class One(Initializer):
    r"""Initialize weights to one.

    Only parameters whose name asks for it, ending in ``weight``, are weights; biases and the like
    follow the rules of `weightopt_core.Initializer`, so that a ``bias`` is 0.

    See Also
    --------
    Zero : Zeros.
    Constant : Any number.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((1, 3), np.float32)
    >>> wo.init.One()("fc1_weight", weight)
    >>> weight
    array([[1., 1., 1.]], dtype=float32)
    """

    def _init_weight(self, name, arr):
        self._init_one(name, arr)
