"""Rules that are not compiled, on NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...dtypes import compute_of, storage_of
from ...kernels import random_fill
from ..states import quantized_size
from .norm import scale
from .quantized import SLICE, dequantized, quantized
from .rounding import rounded


class Interpreted:
    """A step of a rule that is not compiled, over bound arrays.

    All new weights and states are computed before the first one is stored, so that a step is whole
    or has not been.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    bound : weightopt_core.engine.compiled_step.CompiledStep
        The arrays.
    states : {None, "bfloat16", "int8"}
        What states are rounded to stochastically, if they are.
    """

    def __init__(self, rule: Any, bound: Any, states: str | None):
        self.rule, self.bound, self.states = rule, bound, states

    def again(self, *given: Any) -> bool:
        """Return False: nothing is kept."""
        return False

    knows = again

    def rest(self) -> None:
        """Let go of the arrays of a step that is bound and not to be run."""
        self.bound.rest()

    def run(
        self,
        constants: Any,
        keys: list[Any],
        indices: Sequence[Any],
        numbers: Callable[..., dict[str, Any]],
        turn: Any,
    ) -> bool:
        """Count the update and compute the new weights and states.

        Parameters
        ----------
        constants : weightopt_core.engine.constants.Constants
            Of them the factors alone are taken: the rest is what compiled rules take for numbers.
        keys, indices, numbers, turn : object
            As for `weightopt_core.engine.compiled_step.CompiledStep.run`; `numbers` is called for
            every rule.
        """
        results = []
        each = turn.each(numbers, self.rule, tuple(indices))
        for i, (given, arrays) in enumerate(zip(each, self.bound.tensors())):
            key = keys[i] if keys else None
            if constants.factors:
                grad = arrays[1].copy()
                scale([grad], constants.factors)
                arrays = (arrays[0], grad, *arrays[2:])
            results.append(run_in_slices(self.rule, arrays, given, key, self.states))
        return bool(self.bound.store(results, turn))


def run_in_slices(
    rule: Any,
    tensor: Sequence[np.ndarray],
    numbers: dict[str, Any],
    key: Any = None,
    states: str | None = None,
) -> list[np.ndarray]:
    """Run `rule` as NumPy, over slices that stay in cache; the same bits as when compiled.

    A rule with reductions runs on all elements at once, for they are of the whole tensor.

    Parameters
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    tensor : sequence of numpy.ndarray
        What the rule takes without noise: the weight or its master copy, the gradient, the states;
        and after a master copy the weight itself.
    numbers : dict
        The rule's keyword arguments.
    key : tuple of int, optional
        The stream of the noise, or of the rounding.
    states : {None, "bfloat16", "int8"}
        What states are rounded to stochastically, if they are.

    Returns
    -------
    list of numpy.ndarray
        What is to be stored in each array but the gradient, flat and in that array's dtype.
    """
    flat = [array.reshape(-1) for array in tensor]
    given = 2 + len(rule.states)
    compute = compute_of(storage_of(flat[0].dtype))
    results = [np.empty_like(array) for array in [flat[0], *flat[2:]]]
    length = max(SLICE, flat[0].size) if rule.lowered.reductions else SLICE
    with np.errstate(all="ignore"):
        for start in range(0, flat[0].size, length):
            part = slice(start, start + length)
            slices = [array[part].astype(compute, copy=False) for array in flat[:2]]
            slices += [_loaded(array, part, compute, states) for array in flat[2:given]]
            if rule.draws:
                noise = np.empty(slices[0].size, compute)
                key0, key1 = key
                random_fill.fill_normal(noise, key0, key1, start, 0.0, 1.0, 1)
                slices.append(noise)
            new = rule(*slices, **numbers)
            new = list(new) if rule.states else [new]
            if len(flat) > given:
                new.append(new[0])
            for i, (array, values) in enumerate(zip(results, new, strict=True)):
                own = states if 0 < i < given - 1 else None
                _store(array, part, values, own, key, i - 1)
    return results


def _loaded(array: np.ndarray, part: slice, compute: Any, states: str | None) -> np.ndarray:
    """Return the elements `part` of a state, in the compute type."""
    if states != "int8":
        return array[part].astype(compute, copy=False)
    return dequantized(array[quantized_size(part.start) : quantized_size(part.stop)])


def _store(
    array: np.ndarray, part: slice, values: np.ndarray, states: str | None, key: Any, state: int
) -> None:
    """Store the elements `part` of a weight, or of the state of that number."""
    if states == "int8":
        begin, part = part.start, slice(*map(quantized_size, (part.start, part.stop)))
        array[part] = quantized(values, key, state, begin)
    elif states == "bfloat16":
        array[part] = rounded(values, key, state, part.start)
    else:
        array[part] = values
