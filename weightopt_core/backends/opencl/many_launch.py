"""Launches of a rule's kernel for many tensors at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyopencl as cl

from .launches import Launch, Ready
from .programs import Kernels
from .shared_buffers import Held, addresses_of

#: Buffers that one launch takes, at most.
SLOTS = 128


class Many(Launch):
    """Many tensors in few launches, each over the tensors of at most `SLOTS` buffers.

    Where buffers stay at their addresses, those take the place of arguments, and one launch does.
    """

    kernel_name = "many_tensors"

    def __init__(
        self, rule: Any, storages: tuple[str, ...], positions: list[int], tensors: Any, held: Held
    ):
        super().__init__(rule, storages, positions, tensors, held)
        own = {array.base_data.int_ptr for arrays in tensors for array in arrays}
        self.slots = self._slots(max(len(storages), len(own)))
        if not self.slots:
            self.held = held
        self.kernels = self.compiled(storages)
        rows: list[tuple[int, ...]] = []
        parts: list[tuple[int, int]] = []
        begins: list[int] = []
        self.launches = []
        for first, tensors_of_launch, buffers in self._batches(tensors):
            place, given = self._placed(buffers)
            first_group, room = len(begins), 0
            for row, arrays in enumerate(tensors_of_launch, first):
                offsets = [array.offset for array in arrays]
                places = [place[array.base_data.int_ptr] for array in arrays]
                rows.append((*places, *offsets, arrays[0].size))
                for part in range(-(-arrays[0].size // self.elements)):
                    size = min(self.elements, arrays[0].size - part * self.elements)
                    if size > room:
                        begins.append(len(parts))
                        room = self.elements if self.traits.group == 1 else 0
                    room -= size
                    parts.append((row, part))
            these = positions[first : first + len(tensors_of_launch)]
            self.launches.append((first_group, len(begins) - first_group, given, these))
        self.rows = self._upload(np.array(rows, np.uint64))
        self.parts = self._upload(np.array(parts, np.uint32))
        self.begins = self._upload(np.array([*begins, len(parts)], np.uint32))

    @property
    def elements(self) -> int:
        """How many elements a part of a tensor has."""
        return self.traits.part

    def compiled(self, storages: tuple[str, ...]) -> Kernels:
        """Return the kernels for arrays that are stored so."""
        types = [np.uint64, *[None] * (5 + self.slots)]
        return self.kernels_of(storages, self.kernel_name, self.slots, types)

    def prepare(
        self, constants: np.ndarray, keys: list[Any], events: Any, scaled: bool = False
    ) -> list[Ready]:
        """Return the launch of the kernel for each batch after `events`; see `One.prepare`."""
        values = self._upload(self.rounded(constants))
        drawn = self.rows
        if keys:
            drawn = self._upload(np.array([keys[i] for i in self.positions], np.uint64))
        return self.prepare_all(scaled, (values, drawn), events)

    def prepare_all(self, scaled: bool, given: Sequence[Any], events: Any) -> list[Ready]:
        """Return the launch for each batch after `events`, with the tables and what is `given`."""
        tables = self.begins, self.parts, self.rows, *given
        return [
            self.ready(scaled, groups, (first, *tables, *buffers), events, positions)
            for first, groups, buffers, positions in self.launches
        ]

    def _slots(self, buffers: int) -> int:
        """Return how many of so many buffers a launch takes: 0 where it knows them by address.

        Each takes time at every launch, and each number of them a program: so powers of two.
        """
        if self.traits.fixed and len(self.queue.context.devices) == 1:
            return 0
        device = self.queue.device
        room = (device.max_parameter_size - 64) // (device.address_bits // 8)
        most = max(len(self.storages), min(SLOTS, room))
        return int(min(most, 1 << (buffers - 1).bit_length()))

    def _batches(self, tensors: list[Any]) -> Iterator[tuple[int, list[Any], dict[int, Any]]]:
        """Yield the tensors of each launch, the position of the first, and their buffers."""
        first: int = 0
        buffers: dict[int, Any] = {}
        for i, arrays in enumerate(tensors):
            needed = {array.base_data.int_ptr: array.base_data for array in arrays}
            if 0 < self.slots < len(buffers | needed):
                yield first, tensors[first:i], buffers
                first, buffers = i, {}
            buffers |= needed
        yield first, tensors[first:], buffers

    def _placed(self, buffers: dict[int, Any]) -> tuple[dict[int, int], list[Any]]:
        """Return where each buffer is found, and which of them are arguments of the launch."""
        given = list(buffers.values())
        if self.slots:
            given += given[:1] * (self.slots - len(given))
            return {pointer: i for i, pointer in enumerate(buffers)}, given
        return dict(zip(buffers, addresses_of(self.queue.context, given))), []

    def _upload(self, values: np.ndarray) -> cl.Buffer:
        flags = cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR
        values = np.ascontiguousarray(values) if values.size else np.zeros(1, values.dtype)
        return cl.Buffer(self.queue.context, flags, hostbuf=values)
