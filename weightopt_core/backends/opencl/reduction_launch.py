"""Launches of the first pass of a rule with reductions, and its results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyopencl as cl

from ...kernels.reduction import ELEMENTS_OF_A_CHUNK
from ...reductions import scales_of
from .launches import launch
from .many_launch import Many
from .programs import Kernels, kernel
from .text.reduction_source import measure_text


class Measure(Many):
    """What is reduced of many tensors, by chunks; nothing else is written."""

    kernel_name = "many_measures"

    def __init__(
        self, rule: Any, storages: tuple[str, ...], positions: list[int], tensors: Any, held: Any
    ):
        super().__init__(rule, storages, positions, tensors, held)
        chunks = [-(-arrays[0].size // ELEMENTS_OF_A_CHUNK) for arrays in tensors]
        self.ends = np.cumsum(chunks)

    @property
    def elements(self) -> int:
        """How many elements a part of a tensor has: those of a chunk."""
        return ELEMENTS_OF_A_CHUNK

    def kernels_of(
        self, storages: tuple[str, ...], name: str, slots: int | None, types: Sequence[Any]
    ) -> Kernels:
        """Return the kernels that measure."""
        assert slots is not None
        lowered = self.rule.lowered
        steps = tuple(one.step for one in lowered.reductions)
        key = lowered.fingerprint, steps, storages, slots, self.traits.float64
        text = lambda: measure_text(self.rule, storages, self.traits, self.real.name, slots)  # noqa: E731
        return kernel(self.queue, key, text, name, types)

    def read(
        self, constants: np.ndarray, scaled: bool, scales: np.ndarray, events: Any
    ) -> list[np.ndarray]:
        """Launch after `events`, wait, and return the numbers of each tensor, a row a chunk."""
        # Made anew, because numbers of the caller's may take a step while these are in use.
        host = np.empty((self.ends[-1], len(self.rule.lowered.reductions)))
        chunks = cl.Buffer(self.queue.context, cl.mem_flags.WRITE_ONLY, host.nbytes)
        rows = [self.rounded(constants), scales[self.positions].astype(self.real)]
        given = self._upload(np.hstack(rows)), chunks
        done = launch(self.prepare_all(scaled, given, events))
        cl.enqueue_copy(self.queue, host, chunks, wait_for=done)
        return np.split(host, self.ends[:-1])


def parts_of(
    measures: Sequence[Measure], rule: Any, constants: np.ndarray, scaled: bool, events: Any
) -> tuple[list[np.ndarray], np.ndarray | None]:
    """Return for each tensor a row for each of its chunks, with a number for each reduction.

    Beside them come the scales, as `weightopt_core.reductions.results_of` takes them.
    """
    scales = np.ones((len(constants), len(rule.lowered.reductions)))
    wide = [False] * len(constants)
    for measure in measures:
        for position in measure.positions:
            wide[position] = measure.real == np.float64
    parts = _read(measures, constants, scaled, scales, events)
    found = scales_of(rule.lowered.reductions, parts, wide)
    if found is not None:
        parts = _read(measures, constants, scaled, found, events)
    return parts, found


def _read(
    measures: Sequence[Measure],
    constants: np.ndarray,
    scaled: bool,
    scales: np.ndarray,
    events: Any,
) -> list[np.ndarray]:
    parts = [np.empty((0, scales.shape[1]))] * len(constants)
    for measure in measures:
        read = measure.read(constants, scaled, scales, events)
        for position, rows in zip(measure.positions, read, strict=True):
            parts[position] = rows
    return parts
