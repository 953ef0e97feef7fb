"""Weights of one given number, or of the elements of an array."""

import numpy as np

from weightopt_core import Initializer
from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import RealOrArray

__all__ = ["Constant"]


class Constant(Initializer):
    r"""Initialize weights to a number, or to the elements of an array.

    Only parameters whose name asks for it, ending in ``weight``, are weights; biases and the like
    follow the rules of `weightopt_core.Initializer`. To fill any parameter, put it into the
    attribute ``__init__`` of its `weightopt_core.InitDesc`.

    Parameters
    ----------
    value : float or array
        Any finite number, or an array or nested lists of them, which are copied. An array is
        repeated along axes that it lacks or where its length is 1, as in NumPy. In an array of
        integers fractions are cut off.

    Raises
    ------
    ValueError
        The array does not fit the weight's shape.

    See Also
    --------
    Zero : Zeros.
    One : Ones.
    Load : Each parameter has an array of its own, from a file.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((2, 3), np.float32)
    >>> wo.init.Constant([1, 2, 3])("fc1_weight", weight)
    >>> weight
    array([[1., 2., 3.],
           [1., 2., 3.]], dtype=float32)
    >>> slope = np.empty(2, np.float32)
    >>> quarter = wo.init.Constant(0.25)
    >>> wo.init.Zero()(wo.InitDesc("prelu_slope", {"__init__": quarter.dumps()}), slope)
    >>> slope
    array([0.25, 0.25], dtype=float32)
    """

    value = RealOrArray()

    def _init_weight(self, name, arr):
        backend = backend_of(arr)
        if not isinstance(self.value, np.ndarray):
            backend.fill(arr, self.value)
            return
        try:
            values = np.broadcast_to(self.value, arr.shape)
        except ValueError:
            shape = self.value.shape
            raise self._misfit(name, arr, f"one that a value of shape {shape} fits") from None
        backend.copy(arr, values)
