"""Rules that are not compiled, on NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...kernels import random  # type: ignore[attr-defined]
from ...rounding import rounded
from .checks import COMPUTE

#: Elements in a block of a rule that runs on NumPy: some 20 temporaries fit a level-2 cache.
BLOCK = 8192


class Interpreted:
    """The checked arrays of one step of a rule that is not compiled.

    Attributes
    ----------
    rule : weightopt_core.rule.Rule
        What to compute.
    tensors : list of tuple of numpy.ndarray
        For each weight what the rule takes without noise: the weight or its master copy, the
        gradient, the states; and after a master copy the weight itself, last.
    rounds : bool
        Whether states are rounded stochastically.
    """

    def __init__(self, rule: Any, tensors: list[tuple[np.ndarray, ...]], rounds: bool):
        self.rule, self.tensors, self.rounds = rule, tensors, rounds

    def again(self, *given: Any) -> bool:
        """Return False: nothing is kept."""
        return False

    def run(self, constants: Any, keys: list[Any], indices: Sequence[Any], numbers: Any) -> None:
        """Compute the new weights and states, in place.

        Parameters
        ----------
        constants : weightopt_core.kernels.constants.Constants
            Not looked at: what compiled rules take instead of numbers.
        keys : list of tuple of int
            The stream of each tensor's noise, or rounding; empty where there is none.
        indices : sequence of index
            What identifies each tensor.
        numbers : callable
            Returns the rule's keyword arguments, given the rule and an index.
        """
        for i, (index, arrays) in enumerate(zip(indices, self.tensors)):
            key = keys[i] if keys else None
            run_in_blocks(self.rule, arrays, numbers(self.rule, index), key, self.rounds)
        self.tensors = []


def run_in_blocks(
    rule: Any,
    tensor: Sequence[np.ndarray],
    numbers: dict[str, Any],
    key: Any = None,
    rounds: bool = False,
) -> None:
    """Run `rule` as NumPy, over blocks that stay in cache; the same bits as when compiled.

    A rule with norms runs on all elements at once, for a norm is that of the whole tensor.
    """
    flat = [array.reshape(-1) for array in tensor]
    given = 2 + len(rule.states)
    compute = COMPUTE[flat[0].dtype.name]
    written = [flat[0], *flat[2:given]]
    length = max(BLOCK, flat[0].size) if rule.lowered.norms else BLOCK
    with np.errstate(all="ignore"):
        for start in range(0, flat[0].size, length):
            part = slice(start, start + length)
            blocks = [array[part].astype(compute, copy=False) for array in flat[:given]]
            if rule.draws:
                noise = np.empty(blocks[0].size, compute)
                random.fill_normal(noise, key, start, 0.0, 1.0, 1)
                blocks.append(noise)
            results = rule(*blocks, **numbers)
            # A rule may return a parameter as it came, and that one may be written first.
            results = [np.copy(result) for result in (results if rule.states else [results])]
            if rounds:
                results[1:] = [rounded(new, key, i, start) for i, new in enumerate(results[1:])]
            for array, result in zip(written, results):
                array[part] = result
            if len(flat) > given:
                flat[given][part] = results[0]
