"""Biases of an LSTM cell, with one value for the forget gate."""

from weightopt_core import Initializer
from weightopt_core.algorithm import Conformance
from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import Real

__all__ = ["LSTMBias"]


class LSTMBias(Initializer):
    r"""Initialize the biases of an LSTM cell to zero, those of its forget gate to a value.

    The gates lie in the order input, forget, cell, output, each a quarter of the vector; so the
    second quarter is filled with the value.

    Parameters
    ----------
    forget_bias : float, optional
        The biases of the forget gate. At 1 the cell starts by keeping what it has seen.

    Raises
    ------
    ValueError
        The array has other than one dimension, or a length that four gates cannot share.

    See Also
    --------
    FusedRNN : Biases and weights of all layers, in one vector.

    Notes
    -----
    It fills whatever it is asked to fill, whatever its name. MXNet takes a name that ends in
    ``weight`` for the biases, and leaves zeros in one that ends in ``bias``.

    References
    ----------
    R. Jozefowicz, W. Zaremba and I. Sutskever, "An Empirical Exploration of Recurrent Network
    Architectures", ICML 2015, https://proceedings.mlr.press/v37/jozefowicz15.html

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> bias = np.empty(8, np.float32)
    >>> wo.init.LSTMBias(forget_bias=1.0)("lstm_i2h_bias", bias)
    >>> bias
    array([0., 0., 1., 1., 0., 0., 0., 0.], dtype=float32)
    """

    forget_bias = Real(1.0)
    conformance = Conformance(shape=(12,))

    def _hook(self, desc):
        return "_init_weight"

    def _init_weight(self, name, arr):
        if arr.ndim != 1 or arr.shape[0] % 4:
            raise self._misfit(name, arr, "one dimension, a multiple of 4")
        hidden = arr.shape[0] // 4
        backend = backend_of(arr)
        backend.fill(arr, 0.0)
        backend.fill(arr[hidden : 2 * hidden], self.forget_bias)
