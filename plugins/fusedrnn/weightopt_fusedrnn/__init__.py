"""All weights and biases of a recurrent network in one vector."""

from weightopt_core import InitDesc, Initializer
from weightopt_core.algorithm import Conformance
from weightopt_core.backends import backend_of
from weightopt_core.errors import wording
from weightopt_core.hyperparameters import Choice, Flag, Integer, Real
from weightopt_core.initializer import Nested

from .layout import GATES, Layout, pack, unpack

__all__ = ["FusedRNN", "Layout", "pack", "unpack"]


class FusedRNN(Initializer):
    r"""Initialize the flat vector that holds all parameters of a recurrent network.

    The vector is taken apart into the weights and biases of each layer, direction and gate, as
    `unpack` does, and each piece is initialized under its own name, such as
    ``l0_i2h_f_weight``. So `init` sees the shape of each matrix, and biases are 0 by the rules of
    `weightopt_core.Initializer`.

    Parameters
    ----------
    init : Initializer or None
        Initializes the pieces: an instance, a name, or what `dumps` returned. With None, the
        ``global_init`` of the `weightopt_core.InitDesc` does.
    num_hidden : int
        Units in the hidden state of a layer and direction, at least 1.
    num_layers : int
        Layers, at least 1.
    mode : {'lstm', 'gru', 'rnn_relu', 'rnn_tanh'}
        The kind of cell.
    bidirectional : bool, optional
        Whether each layer also reads the sequence backwards.
    forget_bias : float, optional
        The biases of the forget gates of an LSTM. Both ``i2h`` and ``h2h`` get it, and a cell
        adds the two.

    Raises
    ------
    ValueError
        The array has other than one dimension, or a length that fits no number of inputs; there
        is neither `init` nor a global initializer.

    See Also
    --------
    LSTMBias : The biases of one cell, in an array of their own.

    Notes
    -----
    It fills the vector under any name that has no rule of its own, such as ``rnn_parameters``;
    MXNet does so through the attribute ``__init__`` alone. The random numbers of a piece depend
    on the vector's name too, so two networks with one seed differ.

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> from weightopt_fusedrnn import Layout, unpack
    >>> network = dict(num_hidden=2, num_layers=1, mode="lstm")
    >>> vector = np.empty(Layout(**network).size(num_input=3), np.float32)
    >>> wo.init.FusedRNN("xavier", **network)("lstm_parameters", vector)
    >>> pieces = unpack(vector, **network)
    >>> pieces["l0_i2h_f_weight"].shape, pieces["l0_i2h_f_bias"], pieces["l0_i2h_i_bias"]
    ((2, 3), array([1., 1.], dtype=float32), array([0., 0.], dtype=float32))
    """

    init = Nested(optional=True)
    num_hidden = Integer(interval="[1, inf)")
    num_layers = Integer(interval="[1, inf)")
    mode = Choice(choices=tuple(GATES))
    bidirectional = Flag(False)
    forget_bias = Real(1.0)
    # 3 gates of 3 units, each with 2 inputs, 3 hidden ones and 2 biases.
    conformance = Conformance(
        arguments={"num_hidden": 3, "num_layers": 1, "mode": "gru", "bidirectional": False},
        shape=(3 * 3 * (2 + 3 + 2),),
    )

    def _init_weight(self, name, arr):
        init = name.global_init if self.init is None else self.init
        if init is None or init is self:
            expected = "an init of its own or a global_init"
            raise ValueError(wording(f"parameter {str(name)!r}", expected, "neither"))
        for piece, part in self._pieces(name, arr).items():
            if piece.endswith("_f_bias"):
                backend_of(part).fill(part, self.forget_bias)
            else:
                attrs = {"__part_of__": name.path}
                init(InitDesc(piece, attrs, name.global_init), part)

    def _init_default(self, name, arr):
        self._init_weight(name, arr)

    def _pieces(self, name, arr):
        network = (self.num_hidden, self.num_layers, self.mode, self.bidirectional)
        try:
            return unpack(arr, *network)
        except ValueError as error:
            raise ValueError(f"parameter {str(name)!r}: {error}") from None
