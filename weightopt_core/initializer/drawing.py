"""The base class of initializers that draw random numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import random
from ..backends import backend_of
from ..errors import wording
from ..hyperparameters import Integer
from ..init_desc import InitDesc
from ..kernels.random_fill import convert_normal
from .base import Initializer


class RandomInitializer(Initializer):
    """Base class of initializers that draw random numbers.

    Parameters
    ----------
    seed : int, optional
        Makes the values of each name independent of everything drawn elsewhere; by default they
        depend on `weightopt_core.random.seed` and on how often the name was initialized.
    """

    seed = Integer(None, "[0, inf)", optional=True, kw_only=True)

    def _uniform(self, name: InitDesc, arr: Any, low: float, high: float) -> None:
        """Fill `arr` with uniform numbers of ``[low, high)``."""
        backend_of(arr).fill_uniform(arr, self._key(name, arr), low, high)

    def _normal(self, name: InitDesc, arr: Any, mean: float, sigma: float) -> None:
        """Fill `arr` with normal numbers."""
        backend_of(arr).fill_normal(arr, self._key(name, arr), mean, sigma)

    def _truncated_normal(
        self, name: InitDesc, arr: Any, mean: float, sigma: float, lower: float, upper: float
    ) -> None:
        """Fill `arr` with normal numbers of ``[lower, upper]``, made on the host in float64."""
        self._refuse_integers(name, arr)
        low, high = (lower - mean) / sigma, (upper - mean) / sigma
        # Where both are above the mean they are mirrored: small probabilities are finer.
        sign = -1.0 if low > 0 else 1.0
        shares = sorted(0.5 * math.erfc(-sign * end / math.sqrt(2)) for end in (low, high))
        drawn = np.empty(arr.size)
        self._uniform(name, drawn, *shares)
        convert_normal((drawn * 2.0**53).astype(np.uint64) << np.uint64(11), drawn)
        drawn = np.clip(mean + sign * sigma * drawn, lower, upper)
        backend_of(arr).copy(arr, drawn.reshape(arr.shape))

    def _key(self, name: InitDesc, arr: Any) -> tuple[int, int]:
        self._refuse_integers(name, arr)
        return random.stream(name.path, self.seed)

    def _refuse_integers(self, name: InitDesc, arr: Any) -> None:
        if arr.dtype.kind in "iu":
            dtype = f"dtype of array of {str(name)!r}"
            raise TypeError(wording(dtype, "a float type", str(arr.dtype)))
