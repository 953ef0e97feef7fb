"""What is kept of a step over arrays of a device, and the step itself."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine.constants import Constants
from ...engine.recognise_objects import Objects
from ..interface import StateForm
from .arrays import in_order, unfinished
from .launches import launch
from .many_launch import Many
from .one_launch import One
from .reduction_launch import Measure, parts_of
from .shared_buffers import Held
from .text.templates import ROUNDED


class DeviceStep:
    """What is kept of a step for the next one over the same arrays, in the same thread.

    It refers to buffers but not to arrays, and is useless once one of the arrays is gone. A step
    changes nothing in it but which events are known, so that steps may be nested, and one that
    was not taken leaves it as it was.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    form : StateForm
        What the states are made of.
    given : list of list of pyopencl.array.Array
        For each weight: the weight, its gradient, and the state's arrays in the caller's order.
    tensors : list of tuple of pyopencl.array.Array
        For each weight what the rule takes without noise: the weight or its master copy, the
        gradient, the states; and after a master copy the weight itself, last.
    seen : Objects or None
        What recognises the arrays.
    """

    def __init__(
        self,
        rule: Any,
        form: StateForm,
        given: list[list[Any]],
        tensors: list[tuple[Any, ...]],
        seen: Objects | None,
    ):
        self.rule, self.form = rule, form
        self.thread = threading.get_ident()
        self.in_order = in_order(tensors[0][0].queue)
        self.seen = seen
        step = weakref.ref(self)
        forget = lambda _: _forget(step)  # noqa: E731
        self.alive = [[weakref.ref(array, forget) for array in arrays] for arrays in given]
        self.held: Held | None = Held(
            array.base_data for arrays in tensors for array in arrays if array.size
        )
        self.counts = [arrays[0].size for arrays in tensors]
        together: dict[tuple[str, ...], list[int]] = {}
        for i, arrays in enumerate(tensors):
            if arrays[0].size:
                storages = _storages(rule, form, arrays)
                together.setdefault(storages, []).append(i)
        self.launches: list[One | Many] = [
            (One if len(positions) == 1 else Many)(
                rule, storages, positions, [tensors[i] for i in positions], self.held
            )
            for storages, positions in together.items()
        ]
        self.measures = [
            Measure(rule, storages, positions, [tensors[i] for i in positions], self.held)
            for storages, positions in together.items()
            if rule.lowered.reductions
        ]

    def knows(self, rule: Any, weights: Any, grads: Any, states: Any, form: StateForm) -> bool:
        """Whether it is bound to these arrays; nothing is changed."""
        return self._recognised(rule, weights, grads, states, form) is not None

    def rest(self) -> None:
        """Do nothing: no array is held."""

    def _recognised(self, rule: Any, weights: Any, grads: Any, states: Any, form: StateForm) -> Any:
        """Return what recognising these arrays found, None where something is new."""
        seen = self.seen
        if seen is None or self.held is None or rule is not self.rule or form != self.form:
            return None
        if self.thread != threading.get_ident():
            return None
        return seen.recognise(weights, grads, states)

    def again(
        self,
        rule: Any,
        weights: Sequence[Any],
        grads: Sequence[Any],
        states: Sequence[Any],
        form: StateForm,
        constants: Constants,
        keys: list[Any],
        indices: Sequence[Any],
        numbers: Any,
        turn: Any,
    ) -> bool:
        """Count and compute the same step once more, if these are the same arrays.

        Parameters
        ----------
        rule, weights, grads, states, form : object
            As for `bind`.
        constants, keys, indices, numbers, turn : object
            As for `run`.

        Returns
        -------
        bool
            False where something is new; then nothing has changed.

        Raises
        ------
        ValueError
            A buffer was released.
        """
        seen, held, parts = self.seen, self.held, (self.launches, self.measures)
        found = self._recognised(rule, weights, grads, states, form)
        if found is None or seen is None or held is None:
            return False
        held.check()
        events, each = found
        arrays = [] if self.in_order else self._arrays()
        self._run(parts, arrays, events, constants, keys, indices, numbers, turn)
        seen.know(each)
        return True

    def run(
        self,
        constants: Constants,
        keys: list[Any],
        indices: Sequence[Any],
        numbers: Any,
        turn: Any,
    ) -> bool:
        """Count the update and compute the new weights and states; return once it is enqueued.

        A rule with reductions is measured first, and that waits for the device. Nothing has changed
        until the first kernel that writes is launched, and then all are.

        Parameters
        ----------
        constants : weightopt_core.engine.constants.Constants
            The rule's numbers for each tensor.
        keys : list of tuple of int
            The stream of each tensor's noise, or rounding; empty where there is none.
        indices : sequence of index
            What identifies each tensor.
        numbers : callable
            Returns the rule's keyword arguments, given the rule, an index and the turn; called
            for rules with reductions.
        turn : weightopt_core.engine.index_groups.Turn
            ``turn.commit()`` counts the step, just before the first launch, and
            ``turn.uncommit()`` takes that back where it fails.

        Returns
        -------
        bool
            True: the arrays are used as they were bound.
        """
        parts = self.launches, self.measures
        arrays = self._arrays()
        self._run(parts, arrays, _events_of(arrays), constants, keys, indices, numbers, turn)
        return True

    def _run(
        self,
        parts: tuple[list[One | Many], list[Measure]],
        arrays: list[list[Any]],
        events: list[Any],
        constants: Constants,
        keys: list[Any],
        indices: Sequence[Any],
        numbers: Any,
        turn: Any,
    ) -> None:
        """Compute the step by `parts` after `events`; out of order, `arrays` get its own."""
        (launches, measures), wait_for = parts, events or None
        if measures:
            scaled = bool(constants.factors)
            values = _values(constants)
            measured, scales = parts_of(measures, self.rule, values, scaled, wait_for)
            known = turn.each(numbers, self.rule, tuple(indices))
            constants = self.rule.with_results(constants, known, measured, scales, self.counts)
        if self.in_order:
            arrays = []
        else:
            for array in [array for tensor in arrays for array in tensor]:
                array.events[:] = unfinished(array.events)
            wait_for = _events_of(arrays) or None
        given = _values(constants), keys, wait_for, bool(constants.factors)
        ready = [one for each in launches for one in each.prepare(*given)]
        launch(ready, turn, arrays)

    def _arrays(self) -> list[list[Any]]:
        """Return the arrays of each tensor, which stay for as long as this is kept."""
        arrays = [[ref() for ref in tensor] for tensor in self.alive]
        if any(array is None for tensor in arrays for array in tensor):
            raise ValueError("weights, grads and states: one went away before the step over it")
        return arrays


def _values(constants: Constants) -> np.ndarray:
    """Return the constants of each tensor, a row for each, and last the factor of gradients."""
    values = constants.array()
    if not constants.factors:
        return values
    return np.column_stack([values, np.tile(constants.factors, (len(values), 1))])


def _events_of(arrays: list[list[Any]]) -> list[Any]:
    """Return all events of arrays, each once: those of a launch are in many of their lists."""
    events = {id(e): e for tensor in arrays for array in tensor for e in array.events}
    return list(events.values())


def _storages(rule: Any, form: StateForm, arrays: Sequence[Any]) -> tuple[str, ...]:
    """Return how each array of a tensor is stored, in the words of the templates."""
    names = [array.dtype.name for array in arrays]
    if form.states is not None:
        names[2 : 2 + len(rule.states)] = [ROUNDED[form.states]] * len(rule.states)
    return tuple(names)


def _forget(step: Any) -> None:
    """Let go of the buffers, as an array is gone."""
    if (step := step()) is not None:
        step.seen = step.held = None
        step.launches = step.measures = []
