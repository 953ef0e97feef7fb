"""Convolutions that pass on what they get (Zagoruyko and Komodakis, 2017)."""

import numpy as np

from weightopt_core.backends import backend_of
from weightopt_core.hyperparameters import Integer
from weightopt_core.initializer import Initializer

__all__ = ["Dirac"]


class Dirac(Initializer):
    r"""Initialize a convolution so that it passes on as many channels as it can.

    Of a weight of shape ``(out, in, *kernel)`` the middle of the kernel is 1 from channel :math:`i`
    to channel :math:`i`, and all else is 0. The middle of a kernel of :math:`k` is at
    :math:`\lfloor k / 2 \rfloor`, as in PyTorch.

    Parameters
    ----------
    groups : int, optional
        The groups of the convolution, at least 1; each of them has such a part of the outputs.

    Raises
    ------
    ValueError
        The weight has not from three to five dimensions, one of them is 0, or its outputs are no
        multiple of `groups`.

    See Also
    --------
    Identity : The same for matrices.
    DeltaOrthogonal : A random orthogonal matrix in the middle.

    References
    ----------
    S. Zagoruyko and N. Komodakis, "DiracNets", 2017, https://arxiv.org/abs/1706.00388

    Examples
    --------
    >>> import numpy as np
    >>> import weightopt_core as wo
    >>> weight = np.empty((2, 2, 3))
    >>> wo.init.Dirac()("conv1_weight", weight)
    >>> weight[1]
    array([[0., 0., 0.],
           [0., 1., 0.]])
    """

    groups = Integer(1, "[1, inf)")

    def _init_weight(self, name, arr):
        if not 3 <= arr.ndim <= 5 or 0 in arr.shape or arr.shape[0] % self.groups:
            expected = "three to five dimensions, none of them 0, and outputs that are a multiple"
            raise self._misfit(name, arr, f"{expected} of groups, {self.groups}")
        out, into, *kernel = arr.shape
        values, each = np.zeros(arr.shape), out // self.groups
        middle = tuple(size // 2 for size in kernel)
        for channel in range(min(each, into)):
            values[(slice(channel, None, each), channel, *middle)] = 1
        backend_of(arr).copy(arr, values)
