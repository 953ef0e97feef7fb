"""Launches of a rule's kernels: what all of them share, and how those that are ready are made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyopencl as cl

from ...dtypes import compute_of
from ...engine.launching import launch_all
from .programs import Kernels, kernel
from .shared_buffers import Held
from .text.elements import scaled_grad
from .text.rule_source import rule_text
from .text.templates import ROUNDED
from .traits import traits_of


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
        self.keyed = rule.draws or not set(ROUNDED.values()).isdisjoint(storages)
        self.real = compute_of(storages[0])
        self.queue = tensors[0][0].queue
        self.traits = traits_of(self.queue.device)
        self.held: Held | None = None

    kernels: Kernels  # those that take gradients as they are

    def compiled(self, storages: tuple[str, ...]) -> Kernels:
        """Return the kernels for arrays that are stored so; they come from `kernels_of`."""
        raise NotImplementedError

    @cached_property
    def scaling_kernels(self) -> Kernels:
        """Those that multiply gradients by a factor, which comes last among the constants."""
        return self.compiled(scaled_grad(self.storages))

    def kernels_of(
        self, storages: tuple[str, ...], name: str, slots: int | None, types: Sequence[Any]
    ) -> Kernels:
        """Return the kernels of that name of the rule."""
        key = self.rule.lowered.fingerprint, storages, slots
        text = lambda: rule_text(self.rule, storages, self.traits, self.real.name, slots)  # noqa: E731
        return kernel(self.queue, key, text, name, types)

    def rounded(self, constants: np.ndarray) -> np.ndarray:
        """Return the constants of these tensors in the compute type."""
        if len(self.positions) < len(constants):
            constants = constants[self.positions]
        with np.errstate(over="ignore"):
            return constants.astype(self.real)

    def ready(
        self,
        scaled: bool,
        groups: int,
        arguments: Sequence[Any],
        events: Any,
        tensors: Sequence[int],
    ) -> Ready:
        """Return a launch of so many work-groups with such arguments, after `events`."""
        size = self.traits.group
        kernels = self.scaling_kernels if scaled else self.kernels
        run = kernels.take()
        run.set_args(*arguments)
        given = self.queue, run, (groups * size,), (size,), None, events
        return Ready(kernels, run, given, tensors, self.held, arguments)
