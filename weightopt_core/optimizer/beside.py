"""A rule over arrays that stand beside the state of a weight: sums, averages, slow weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backends.interface import STATE_FORMS
from ..engine.constants import Constants, Evaluator, as_plain
from ..engine.index_groups import Stale
from ..engine.stepping import check, step, step_together
from ..rule import Rule
from .rates import Rates
from .stepper import ATTEMPTS, bind, reader


class Beside:
    """Runs a rule over lists of arrays, as an optimizer's step does; the updates stay uncounted.

    What `weightopt_core.optimizer.Wrapper` adds to what it holds is one or two of these: so it has
    the bits and the speed of a step on every backend.

    Parameters
    ----------
    rule : Rule
        Its numbers are attributes of whoever runs it, and `t`.
    rates : Rates, optional
        Where runs are counted; by default in a place of their own.
    """

    def __init__(self, rule: Rule, rates: Rates | None = None):
        self.rule = rule
        self.rates = Rates(0, {}) if rates is None else rates
        own = ("t",) if "t" in rule.numbers else ()
        self._settings = tuple(name for name in rule.numbers if name != "t")
        self._read = reader(self._settings)
        self._evaluator = Evaluator(rule, self._settings, self._read, own)

    def __reduce__(self) -> Any:
        return Beside, (self.rule, self.rates)

    def check(self, indices: Any, weights: Any, grads: Any, states: Any, master: bool) -> None:
        """Raise what `run` would raise of these arrays; nothing is changed."""
        call = self.rates.calls.find(indices, self.rates.true)
        check(call, bind, self.rule, weights, grads, states, STATE_FORMS[master, None])

    def check_numbers(self, source: Any) -> None:
        """Raise what reading the numbers of `source` raises, and evaluating them without `t`."""
        if "t" in self.rule.numbers:
            self._read(source)
        else:
            self._evaluator.row(source, ())

    def counts(self, indices: Sequence[Any]) -> list[int]:
        """Return how often it was run for each index."""
        return [count or 0 for count in self.rates.calls.find(indices, self.rates.true).now()]

    def count(self, indices: Sequence[Any]) -> None:
        """Count a run for each index that another one has made."""
        self.rates.calls.find(indices, self.rates.true).ahead(self.rates.multipliers, 0).commit()

    def run(
        self,
        source: Any,
        indices: Sequence[Any],
        weights: Sequence[Any],
        grads: Sequence[Any],
        states: Sequence[Any],
        master: bool,
        counts: Sequence[int] = (),
    ) -> None:
        """Run the rule, in place.

        Parameters
        ----------
        source : object
            What has the rule's numbers as attributes.
        indices : list or tuple of index
            What identifies each weight.
        weights, grads, states : list or tuple
            As for `Optimizer.update`.
        master : bool
            Whether 16-bit weights have a master copy, last in their states.
        counts : sequence of int
            The `t` of each, where the rule takes that.
        """
        call = self.rates.calls.find(indices, self.rates.true)
        constants = self._constants(source, len(indices), counts)
        form = STATE_FORMS[master, None]

        def numbers(rule: Rule, index: Any, turn: Any) -> dict[str, Any]:
            settings = map(as_plain, self._read(source))
            own = {"t": counts[call.indices.index(index)]} if "t" in rule.numbers else {}
            return dict(zip(self._settings, settings)) | own

        for _ in ATTEMPTS:
            turn = call.ahead(self.rates.multipliers, 0)
            try:
                step(
                    call, bind, self.rule, weights, grads, states, form, constants, [], numbers,
                    turn,
                )  # fmt: skip
            except Stale:
                continue
            return
        raise RuntimeError(f"{self.rule.name}: expected weights that one thread steps at a time")

    def run_behind(
        self,
        source: Any,
        optimizer: Any,
        lists: Sequence[Any],
        own: Sequence[Any],
        master: bool,
    ) -> bool:
        """Step an optimizer by its rule, and run this one over each part of the new weights.

        Arrays are in host memory, both rules are compiled, and this one does not take `t`.

        Parameters
        ----------
        source : object
            What has the numbers of this rule as attributes.
        optimizer : Optimizer
            One whose step is its rule.
        lists : sequence of list
            Indices, weights, gradients, and states of the optimizer.
        own, master
            As the states for `run`.

        Returns
        -------
        bool
            False where arrays overlap so that one has to wait for the other; nothing has changed.
        """
        indices = lists[0]
        beside = self.rates.calls.find(indices, self.rates.true)
        done = True

        def run(*given: Any) -> None:
            nonlocal done
            constants = self._constants(source, len(indices), ())
            form = STATE_FORMS[master, None]
            behind: tuple[Any, ...] = beside, self.rule, own, form, constants
            done = step_together(*given, *behind)

        optimizer._stepper.step(optimizer, optimizer.rule, *lists, run)
        return done

    def _constants(self, source: Any, size: int, counts: Sequence[int]) -> Constants:
        """Return the constants of each tensor, equal ones evaluated once."""
        if "t" not in self.rule.numbers:
            row = self._evaluator.row(source, ())
            return Constants(row[None], np.zeros(size, np.int32))
        distinct = {count: place for place, count in enumerate(dict.fromkeys(counts))}
        rows = np.array([self._evaluator.row(source, (count,)) for count in distinct])
        return Constants(rows, np.array([distinct[count] for count in counts], np.int32))
