"""Launches of a rule's kernels: for one tensor, and for many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyopencl as cl

from ...dtypes import compute_of
from ...engine.launching import launch_all
from .programs import Kernels, kernel
from .shared_buffers import Held, addresses_of
from .text.source import rule_text
from .text.templates import ROUNDED_BFLOAT16
from .traits import traits_of

#: Buffers that one launch for many tensors takes, at most.
SLOTS = 128


class Ready(NamedTuple):
    """A launch that has its arguments.

    Attributes
    ----------
    kernels : Kernels
        Where its kernel is from.
    kernel : pyopencl.Kernel
        With the arguments set.
    arguments : tuple
        Those of `pyopencl.enqueue_nd_range_kernel`.
    tensors : sequence of int
        Which of the step's tensors it computes.
    held : Held or None
        What keeps its buffers, where those are no arguments.
    set : sequence
        The arguments of the kernel, which does not keep buffers until it is launched.
    """

    kernels: Kernels
    kernel: cl.Kernel
    arguments: tuple[Any, ...]
    tensors: Sequence[int]
    held: Held | None
    set: Sequence[Any]


def launch(ready: Sequence[Ready], turn: Any = None, arrays: Sequence[Any] = ()) -> list[cl.Event]:
    """Launch kernels that are ready, and return their events.

    Once the first is launched nothing keeps the others from it, Ctrl-C neither.

    Parameters
    ----------
    ready : sequence of Ready
        What to launch.
    turn : object or None
        Counts the step: ``commit()`` is called just before the first launch, and ``uncommit()``
        where that fails.
    arrays : sequence of sequence of array
        Those of each of the step's tensors, which get the events; empty where none is to.
    """
    done: list[cl.Event] = []
    launches = []
    for one in ready:
        lists = [array.events for i in one.tensors for array in arrays[i]] if arrays else []
        lists.append(done)
        if one.held is not None:
            lists.append(one.held.events)
        launches.append((one.arguments, lists))
    try:
        launch_all(turn, cl.enqueue_nd_range_kernel, launches)
    finally:
        for one in ready:
            one.kernels.give_back(one.kernel)
            if one.held is not None:
                del one.held.events[:-1]
    return done


class Launch:
    """What both kinds share: the tensors of one combination of dtypes.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    storages : tuple of str
        The dtype of each array.
    positions : list of int
        Which of the step's tensors these are.
    tensors : list of tuple of pyopencl.array.Array
        Their arrays.
    held : Held
        What keeps their buffers.
    """

    def __init__(
        self,
        rule: Any,
        storages: tuple[str, ...],
        positions: list[int],
        tensors: list[Any],
        held: Held,
    ):
        self.rule, self.storages = rule, storages
        self.positions = np.array(positions)
        self.keyed = rule.draws or ROUNDED_BFLOAT16 in storages
        self.real = compute_of(storages[0])
        self.queue = tensors[0][0].queue
        self.traits = traits_of(self.queue.device)
        self.held: Held | None = None

    def take_kernels(self, name: str, slots: int | None, types: Sequence[Any]) -> None:
        """Take the kernels of that name of the rule."""
        key = self.rule.lowered.fingerprint, self.storages, slots
        text = lambda: rule_text(self.rule, self.storages, self.traits, self.real.name, slots)  # noqa: E731
        self.kernels = kernel(self.queue, key, text, name, types)

    def rounded(self, constants: np.ndarray) -> np.ndarray:
        """Return the constants of these tensors in the compute type."""
        if len(self.positions) < len(constants):
            constants = constants[self.positions]
        with np.errstate(over="ignore"):
            return constants.astype(self.real)

    def ready(
        self, groups: int, arguments: Sequence[Any], events: Any, tensors: Sequence[int]
    ) -> Ready:
        """Return a launch of so many work-groups with such arguments, after `events`."""
        size = self.traits.group
        run = self.kernels.take()
        run.set_args(*arguments)
        given = self.queue, run, (groups * size,), (size,), None, events
        return Ready(self.kernels, run, given, tensors, self.held, arguments)


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
        number = np.uint64
        types: list[Any] = [None, number] * len(arrays) + [number] * 2 + [number] * (2 * self.keyed)
        types += [self.real] * len(rule.lowered.scalars)
        self.take_kernels("one_tensor", None, types)

    def prepare(self, constants: np.ndarray, keys: list[Any], events: Any) -> list[Ready]:
        """Return the launch of the kernel after `events`."""
        (position,) = self.positions
        key = keys[position] if keys else ()
        values = self.rounded(constants)[0].tolist()
        groups = -(-self.size // self.part)
        given = *self.given, self.size, self.part, *key, *values
        return [self.ready(groups, given, events, (position,))]


class Many(Launch):
    """Many tensors in few launches, each over the tensors of at most `SLOTS` buffers.

    Where buffers stay at their addresses, those take the place of arguments, and one launch does.
    """

    kernel_name = "many_tensors"

    def __init__(
        self, rule: Any, storages: tuple[str, ...], positions: list[int], tensors: Any, held: Held
    ):
        super().__init__(rule, storages, positions, tensors, held)
        self.slots = self._slots(len(storages))
        if not self.slots:
            self.held = held
        types = [np.uint64, *[None] * (5 + self.slots)]
        self.take_kernels(self.kernel_name, self.slots, types)
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

    def prepare(self, constants: np.ndarray, keys: list[Any], events: Any) -> list[Ready]:
        """Return the launch of the kernel for each batch after `events`."""
        values = self._upload(self.rounded(constants))
        drawn = self.rows
        if keys:
            drawn = self._upload(np.array([keys[i] for i in self.positions], np.uint64))
        return self.prepare_all((values, drawn), events)

    def prepare_all(self, given: Sequence[Any], events: Any) -> list[Ready]:
        """Return the launch for each batch after `events`, with the tables and what is `given`."""
        tables = self.begins, self.parts, self.rows, *given
        return [
            self.ready(groups, (first, *tables, *buffers), events, positions)
            for first, groups, buffers, positions in self.launches
        ]

    def _slots(self, arrays: int) -> int:
        """Return how many buffers a launch takes: 0 where it knows them by address."""
        if self.traits.fixed and len(self.queue.context.devices) == 1:
            return 0
        device = self.queue.device
        room = (device.max_parameter_size - 64) // (device.address_bits // 8)
        return int(max(arrays, min(SLOTS, room)))

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
