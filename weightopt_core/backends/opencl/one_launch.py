"""The launch of a rule's kernel for a single tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from .launches import Launch, Ready
from .programs import Kernels
from .shared_buffers import Held
from .text.elements import scalars_of


class One(Launch):
    """A single tensor: its numbers are arguments of the kernel."""

    def __init__(
        self, rule: Any, storages: tuple[str, ...], positions: list[int], tensors: Any, held: Held
    ):
        super().__init__(rule, storages, positions, tensors, held)
        (arrays,) = tensors
        self.size = arrays[0].size
        self.part = self.traits.part_of(self.size)
        offsets = [array.offset // array.dtype.itemsize for array in arrays]
        self.given = [
            part for array, offset in zip(arrays, offsets) for part in (array.base_data, offset)
        ]
        self.kernels = self.compiled(storages)

    def compiled(self, storages: tuple[str, ...]) -> Kernels:
        """Return the kernels for arrays that are stored so."""
        number = np.uint64
        types: list[Any] = [None, number] * len(storages)
        types += [number] * 2 + [number] * (2 * self.keyed)
        types += [self.real] * len(scalars_of(storages, self.rule.lowered.scalars))
        return self.kernels_of(storages, "one_tensor", None, types)

    def prepare(
        self, constants: np.ndarray, keys: list[Any], events: Any, scaled: bool = False
    ) -> list[Ready]:
        """Return the launch of the kernel after `events`.

        Where gradients are `scaled`, each row of constants ends with their factor.
        """
        (position,) = self.positions
        key = keys[position] if keys else ()
        values = self.rounded(constants)[0].tolist()
        groups = -(-self.size // self.part)
        given = *self.given, self.size, self.part, *key, *values
        return [self.ready(scaled, groups, given, events, (position,))]
