"""Where the pieces of a recurrent network lie in one flat vector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from weightopt_core.errors import nearest, wording

#: The gates of a cell, in the order of the vector, as they stand in the names of pieces.
GATES = {
    "lstm": ("_i", "_f", "_c", "_o"),
    "gru": ("_r", "_z", "_o"),
    "rnn_relu": ("",),
    "rnn_tanh": ("",),
}


@dataclass(frozen=True)
class Layout:
    """The pieces of a recurrent network, in the order in which cuDNN and MXNet lay them out.

    All weights come first, then all biases; in each half layer by layer, in a layer direction by
    direction, then ``i2h`` (from the input) before ``h2h`` (from the hidden state), gate by gate.
    A piece is called ``{l|r}{layer}_{i2h|h2h}{_gate}_{weight|bias}``; the backward direction of a
    bidirectional network is ``r``. Gates are ``_i _f _c _o`` in an LSTM, ``_r _z _o`` in a GRU.

    Parameters
    ----------
    num_hidden : int
        Units in the hidden state of a layer and direction.
    num_layers : int
        Layers, one upon the other.
    mode : {'lstm', 'gru', 'rnn_relu', 'rnn_tanh'}
        The kind of cell.
    bidirectional : bool, optional
        Whether each layer also reads the sequence backwards.
    """

    num_hidden: int
    num_layers: int
    mode: str
    bidirectional: bool = False

    def __post_init__(self) -> None:
        for name in ("num_hidden", "num_layers"):
            if getattr(self, name) < 1:
                raise ValueError(wording(name, "at least 1", repr(getattr(self, name))))
        if self.mode not in GATES:
            raise ValueError(wording("mode", " or ".join(map(repr, GATES)), repr(self.mode)))

    def shapes(self, num_input: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each piece by its name, in the order of the vector."""
        directions = "lr" if self.bidirectional else "l"
        cells = [(layer, letter) for layer in range(self.num_layers) for letter in directions]
        found: dict[str, tuple[int, ...]] = {}
        for kind in ("weight", "bias"):
            for layer, letter in cells:
                below = self.num_hidden * len(directions) if layer else num_input
                for source, columns in (("i2h", below), ("h2h", self.num_hidden)):
                    shape = (self.num_hidden, columns)[: 2 if kind == "weight" else 1]
                    for gate in GATES[self.mode]:
                        found[f"{letter}{layer}_{source}{gate}_{kind}"] = shape
        return found

    def size(self, num_input: int) -> int:
        """Return the length of the vector for `num_input` features of the input."""
        return sum(map(math.prod, self.shapes(num_input).values()))

    def num_input(self, size: int) -> int:
        """Return for how many features of the input a vector has length `size`.

        Raises
        ------
        ValueError
            For no number of them, from 1 on.
        """
        rest = self.size(0)
        step = self.size(1) - rest
        found, odd = divmod(size - rest, step)
        if odd or found < 1:
            expected = f"a length of {rest} + {step} * num_input"
            raise ValueError(wording("vector", expected, str(size)))
        return found


def unpack(
    vector: Any, num_hidden: int, num_layers: int, mode: str, bidirectional: bool = False
) -> dict[str, Any]:
    """Return the pieces of a flat vector by name.

    Parameters
    ----------
    vector : array of one dimension
        All weights and biases.
    num_hidden, num_layers, mode, bidirectional
        What the network is like; see `Layout`.

    Returns
    -------
    dict of str to array
        Views of `vector`, of two dimensions for weights and one for biases; what is written to
        them is written to the vector.

    Raises
    ------
    ValueError
        The vector does not fit the network.

    Examples
    --------
    >>> import numpy as np
    >>> from weightopt_fusedrnn import unpack
    >>> vector = np.zeros(20, np.float32)
    >>> pieces = unpack(vector, num_hidden=2, num_layers=1, mode="rnn_tanh", bidirectional=True)
    >>> list(pieces)[:3]
    ['l0_i2h_weight', 'l0_h2h_weight', 'r0_i2h_weight']
    >>> pieces["l0_h2h_weight"][:] = 1
    >>> vector[:6]
    array([0., 0., 1., 1., 1., 1.], dtype=float32)
    """
    layout = Layout(num_hidden, num_layers, mode, bidirectional)
    if len(vector.shape) != 1:
        raise ValueError(wording("vector", "one dimension", f"shape {tuple(vector.shape)}"))
    pieces, begin = {}, 0
    for name, shape in layout.shapes(layout.num_input(vector.shape[0])).items():
        end = begin + math.prod(shape)
        pieces[name] = vector[begin:end].reshape(shape)
        begin = end
    return pieces


def pack(
    pieces: dict[str, Any], num_hidden: int, num_layers: int, mode: str, bidirectional: bool = False
) -> np.ndarray:
    """Return the flat vector of pieces, the inverse of `unpack`.

    Parameters
    ----------
    pieces : dict of str to array
        All pieces, in any order.
    num_hidden, num_layers, mode, bidirectional
        What the network is like; see `Layout`.

    Returns
    -------
    numpy.ndarray
        A new vector.

    Raises
    ------
    ValueError
        A piece is missing, unknown or of another shape; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> from weightopt_fusedrnn import pack, unpack
    >>> vector = np.arange(26.0)
    >>> bool((pack(unpack(vector, 2, 2, "rnn_relu"), 2, 2, "rnn_relu") == vector).all())
    True
    """
    layout = Layout(num_hidden, num_layers, mode, bidirectional)
    arrays = {name: np.asarray(piece) for name, piece in pieces.items()}
    first = next(iter(layout.shapes(1)))
    num_input = arrays[first].shape[-1] if first in arrays and arrays[first].ndim else 1
    shapes = layout.shapes(num_input)
    for name in arrays.keys() - shapes.keys():
        raise ValueError(
            f"pieces: expected those of a {mode}, got {name!r}; {nearest(name, shapes)}"
        )
    for name, shape in shapes.items():
        if name not in arrays:
            raise ValueError(wording("pieces", f"all of {len(shapes)}", f"none called {name!r}"))
        if arrays[name].shape != shape:
            raise ValueError(wording(f"piece {name!r}", f"shape {shape}", f"{arrays[name].shape}"))
    return np.concatenate([arrays[name].reshape(-1) for name in shapes])
