"""The base class of initializers that draw random numbers."""

from __future__ import annotations

from typing import Any

from .. import random
from ..backends import backend_of
from ..errors import wording
from ..hyperparameters import Integer
from ..init_desc import InitDesc
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

    def _key(self, name: InitDesc, arr: Any) -> tuple[int, int]:
        if arr.dtype.kind in "iu":
            dtype = f"dtype of array of {str(name)!r}"
            raise TypeError(wording(dtype, "a float type", str(arr.dtype)))
        return random.stream(name.path, self.seed)
