"""Weights of zero."""

from weightopt_core import Initializer

__all__ = ["Zero"]


class Zero(Initializer):
    r"""Initialize weights to zero.

    Only parameters whose name asks for it, ending in ``weight``, are weights; biases and the like
    follow the rules of `weightopt_core.Initializer`, so that a ``gamma`` is 1.

    See Also
    --------
    One : Ones.
    Constant : Any number.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((1, 3), np.float32)
    >>> wo.init.Zero()("fc1_weight", weight)
    >>> weight
    array([[0., 0., 0.]], dtype=float32)
    """

    def _init_weight(self, name, arr):
        self._init_zero(name, arr)
