"""The numbers that an optimizer gives to its rule at each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from . import random
from .kernels.calls import Calls  # type: ignore[import-not-found]
from .kernels.constants import (  # type: ignore[import-not-found]
    Constants,
    Evaluator,
    as_plain,
)
from .rates import Rates
from .rule import Rule

#: Numbers of a rule that depend on the index that is updated.
OWN_NUMBERS = ("lr", "wd", "t")
_WORD = 2**64 - 1
#: Between the keys of two updates; odd, so that 2**64 of them differ.
_STEP = 0x9E3779B97F4A7C15
#: What a subclass overrides to say itself what the counts and rates of each index are.
_BY_INDEX = ("_update_count", "_get_lr", "_get_wd")


class Numbers(Rates):
    """The part of an optimizer that knows what its rule takes."""

    noise_seed: int | None
    _streams: dict[tuple[int, Any], tuple[int, int]]
    _calls: Calls
    _by_index: ClassVar[bool] = False
    _has_numbers: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._has_numbers = cls.numbers is not Numbers.numbers
        cls._by_index = any(getattr(cls, name) is not getattr(Numbers, name) for name in _BY_INDEX)

    def numbers(self, index: Any, t: int) -> dict[str, Any]:
        """Return numbers that the rule takes and that are no hyperparameters; for subclasses.

        A number that changes with the updates belongs here, as a function of `t`: then a resumed
        run goes on as if it had not stopped.

        Parameters
        ----------
        index : int or str
            What identifies the weight.
        t : int
            The number of updates of this weight, the present one included.

        Returns
        -------
        dict of str to number
            By the name that the rule gives them. They go before a hyperparameter of that name,
            and before `lr`, `wd` and `t`. What the rule does not take is left out.
        """
        return {}

    def _constants_ahead(self, rule: Rule, call: Any) -> Constants:
        """Return the constants of a call that is not counted yet."""
        num_update = call.ahead(self._multipliers, self.begin_num_update)
        if self._has_numbers:
            return self._constants_of_numbers(rule, call)
        evaluator = self._calls.evaluators.get(rule)
        if evaluator is None:
            evaluator = self._evaluator(rule, OWN_NUMBERS, rule)
        return evaluator.of_groups(self, call, self._base_lr(num_update), self.wd)

    def _constants_of_numbers(self, rule: Rule, call: Any) -> Constants:
        """Return the constants where a subclass has numbers of its own."""
        call.commit()  # what `numbers` may ask for are the rates of this update
        try:
            counts = call.counts_ahead(0)
            numbers = [self.numbers(*counted) for counted in zip(call.indices, counts)]
            if any(own.keys() != numbers[0].keys() for own in numbers):
                return self._constants_by_index(rule, call.indices)
            names = rule, *numbers[0]
            evaluator = self._calls.evaluators.get(names)
            if evaluator is None:
                own = [name for name in numbers[0] if name in rule.numbers]
                rates = [name for name in OWN_NUMBERS if name not in own]
                evaluator = self._evaluator(rule, [*own, *rates], names)
            lr = self._base_lr(self.num_update)
            return evaluator.of_numbers(self, call, numbers, lr, self.wd)
        finally:
            call.uncommit()

    def _constants_by_index(self, rule: Rule, indices: Sequence[Any]) -> Constants:
        """Return the constants of the present update of each index, equal ones evaluated once."""
        known: dict[Any, int] = {}
        rows: list[np.ndarray] = []
        which = []
        for index in indices:
            own = self._own_numbers(rule, index)
            key = tuple(own.items())
            if key not in known:
                known[key] = len(rows)
                names = rule, *own
                evaluator = self._calls.evaluators.get(names) or self._evaluator(
                    rule, list(own), names
                )
                rows.append(evaluator.row(self, tuple(own.values())))
            which.append(known[key])
        return Constants(np.array(rows), np.array(which, np.int32))

    def _evaluator(self, rule: Rule, own: Sequence[str], key: Any) -> Evaluator:
        """Keep what evaluates the constants of `rule`, where a step gives the numbers `own`."""
        settings = tuple(name for name in rule.numbers if name not in own)
        for name in settings:
            self._check_has(rule, name)
        evaluator = self._calls.evaluators[key] = Evaluator(rule, settings, tuple(own))
        return evaluator

    def _noise_keys(self, indices: Sequence[Any], counts: Sequence[int]) -> list[tuple[int, int]]:
        """Return the stream of the noise of each index at its count."""
        seed = self._seed()
        names = [self._multipliers.names.get(index, index) for index in indices]
        return [random.stream(f"noise/{name}/{count}", seed) for name, count in zip(names, counts)]

    def _rounding_keys(
        self, indices: Sequence[Any], counts: Sequence[int]
    ) -> list[tuple[int, int]]:
        """Return the key of the rounding of each index at its count.

        A stream takes longer than the step of a small weight. So each weight has one, and counts
        go through its keys: the rounding mixes every bit of a key.
        """
        seed, keys = self._seed(), []
        for index, count in zip(indices, counts):
            name = self._multipliers.names.get(index, index)
            stream = self._streams.get((seed, name))
            if stream is None:
                stream = random.stream(f"rounding/{name}", seed)
                self._streams[seed, name] = stream
            keys.append(((stream[0] + count * _STEP) & _WORD, stream[1]))
        return keys

    def _seed(self) -> int:
        """Return the seed of noise and rounding, which is drawn where none was given."""
        if self.noise_seed is None:
            self.noise_seed = random.stream("noise")[0]
        return self.noise_seed

    def _numbers(self, rule: Rule, index: Any) -> dict[str, Any]:
        """Return the numbers that `rule` takes for the present update of `index`."""
        numbers = self._own_numbers(rule, index)
        for name in rule.numbers:
            if name not in numbers:
                self._check_has(rule, name)
                numbers[name] = as_plain(getattr(self, name))
        return numbers

    def _own_numbers(self, rule: Rule, index: Any) -> dict[str, Any]:
        """Return those numbers of `rule` that belong to the present update of `index`."""
        t = self._counts[index]
        own: dict[str, Any] = {}
        if "lr" in rule.numbers:
            own["lr"] = self._get_lr(index)
        if "wd" in rule.numbers:
            own["wd"] = self._get_wd(index)
        if "t" in rule.numbers:
            own["t"] = t
        for name, value in self.numbers(index, t).items():
            if name in rule.numbers:
                own[name] = as_plain(value)
        return own

    def _check_has(self, rule: Rule, name: str) -> None:
        if name in OWN_NUMBERS or not hasattr(self, name):
            raise TypeError(
                f"{type(self).__name__} must define {name!r}: its rule {rule.name!r} takes it"
            )
