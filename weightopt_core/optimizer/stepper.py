"""One step of an optimizer: its numbers are formed ahead, then it is counted and computed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import random
from ..backends import backend_of
from ..backends.interface import STATE_FORMS
from ..drawn import of_this_process
from ..engine.constants import Constants, Evaluator, as_plain
from ..engine.index_groups import Stale
from ..engine.stepping import check, step
from ..keys import each_key
from ..rule import Rule
from .by_name import thawed
from .rates import Rates, View
from .states import form_of

if TYPE_CHECKING:
    from .base import Optimizer

#: Numbers of a rule that depend on the index that is updated.
OWN_NUMBERS = ("lr", "wd", "t")
#: How often a step forms its numbers anew because other threads have counted its weights meanwhile.
ATTEMPTS = range(1000)
_WORD = 2**64 - 1
_NONE: Mapping[str, float] = MappingProxyType({})
#: Between the keys of two updates; odd, so that 2**64 of them differ.
_STEP = 0x9E3779B97F4A7C15


class Stepper:
    """Steps the rule of one optimizer, and keeps what is cheaper to keep than to form again.

    A step has two parts. First its numbers are formed, as they are with this update counted: code
    of users may run, wait, fail, or step the same optimizer. Nothing is changed by that. Then
    `weightopt_core.engine.stepping.step` counts and computes, which nothing can interrupt.
    Where the counts of its weights have moved on in between, the first part is repeated.

    Parameters
    ----------
    rates : Rates
        Counts and multipliers of the optimizer.
    has_numbers : bool
        Whether the optimizer's class has numbers of its own.
    by_index : bool
        Whether it says itself what the counts or rates of each index are.
    """

    def __init__(self, rates: Rates, has_numbers: bool, by_index: bool):
        self.rates, self.has_numbers, self.by_index = rates, has_numbers, by_index
        self.plain = not (has_numbers or by_index)
        self.evaluators: dict[Any, Evaluator] = {}
        self.readers: dict[Any, tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]] = {}
        self.streams: dict[tuple[int, Any], tuple[int, int]] = {}

    def __reduce__(self) -> Any:
        return Stepper, (self.rates, self.has_numbers, self.by_index)

    def step(
        self,
        optimizer: Optimizer,
        rule: Rule,
        indices: Sequence[Any],
        weights: Sequence[Any],
        grads: Sequence[Any],
        states: Sequence[Any],
        run: Callable[..., None] = step,
        factors: tuple[float, ...] = (),
    ) -> None:
        """Update weights and states in place, and count it; `run` does so once all is formed.

        Gradients are multiplied by each of the `factors` first; there must be no more of them than
        `factors_in_step` of the backend.
        """
        rates, plain = self.rates, self.plain
        if rates.is_by_name:
            indices, weights, grads, states = thawed(rates, indices, weights, grads, states)
            if not indices:
                return
            plain = plain and not rates.multipliers.by_name.settings
        call = rates.calls.find(indices, rates.true)
        if not rates.is_looked_through:
            decays = "wd" in rule.numbers and not self.by_index
            rates.look_through(optimizer.wd if decays else 0.0, call.indices)
        form = STATE_FORMS[optimizer.multi_precision, None]
        if optimizer.state_dtype:
            form = form_of(optimizer)
        keyed = rule.draws or form.states is not None
        for _ in ATTEMPTS:
            if plain:
                turn = call.ahead(rates.multipliers, optimizer.begin_num_update)
                evaluator = self.evaluators.get(rule)
                if evaluator is None:
                    evaluator = self._evaluator(optimizer, rule, OWN_NUMBERS, rule)
                lr = optimizer._rate
                if optimizer.lr_scheduler is not None:
                    lr = optimizer._base_lr(turn.num_update)
                constants = evaluator.of_groups(optimizer, turn, lr, optimizer.wd)
                numbers = optimizer._numbers_at
            elif self.by_index:
                turn = self.turn(optimizer, call)
                of = optimizer, rule, call.indices
                constants = rates.seeing(turn.view(), self._constants_by_index, *of)
                numbers = optimizer._numbers_of_each
            else:
                turn = self.turn(optimizer, call)
                given = optimizer, rule, call, turn
                constants = rates.seeing(turn.view(), self._constants_of_numbers, *given)
                together = optimizer.numbers_by_group and not rates.is_by_name
                numbers = optimizer._numbers_at if together else optimizer._numbers_of_each
            if factors:
                constants.factors = factors
            keys = self.keys(optimizer, rule, call.indices, turn.counts_ahead()) if keyed else []
            try:
                run(call, bind, rule, weights, grads, states, form, constants, keys, numbers, turn)
            except Stale:
                continue
            return
        raise unsettled(call.indices[0])

    def check(self, optimizer: Optimizer, rule: Rule, *lists: Any) -> None:
        """Raise what `step`, given the same, would; nothing is computed or counted."""
        indices, weights, grads, states = lists
        self.step(optimizer, rule, indices, weights, grads, states, _check)

    def _constants_of_numbers(
        self, optimizer: Optimizer, rule: Rule, call: Any, turn: Any
    ) -> Constants:
        """Return the constants where a subclass has numbers of its own."""
        by_name = self.rates.multipliers.by_name
        if optimizer.numbers_by_group and not by_name.settings:
            numbers = turn.each(ByGroup(optimizer), rule, call.indices)
        else:
            counted = zip(call.indices, turn.counts_ahead())
            numbers = [
                dict(self._as_set_for(optimizer, index).numbers(index, count))
                for index, count in counted
            ]
        if varied := [name for name in by_name.overridden() if name in rule.numbers]:
            numbers = [
                self._own_settings(optimizer, varied, index) | own
                for index, own in zip(call.indices, numbers)
            ]
        first = numbers[0]
        if any(own is not first and own.keys() != first.keys() for own in numbers):
            return self._constants_by_index(optimizer, rule, call.indices)
        names = rule, *first
        evaluator = self.evaluators.get(names)
        if evaluator is None:
            own = [name for name in first if name in rule.numbers]
            rates = [name for name in OWN_NUMBERS if name not in own]
            evaluator = self._evaluator(optimizer, rule, [*own, *rates], names)
        lr = optimizer._base_lr(optimizer.num_update)
        return evaluator.of_numbers(optimizer, turn, numbers, lr, optimizer.wd)

    def _as_set_for(self, optimizer: Optimizer, index: Any) -> Optimizer:
        """Return the optimizer with the hyperparameters of `index`, as its own code reads them."""
        if not self.rates.is_by_name or not (values := self.rates.values_of(index)):
            return optimizer
        twin = object.__new__(type(optimizer))
        vars(twin).update(vars(optimizer) | values)
        return twin

    def _own_settings(
        self, optimizer: Optimizer, names: Sequence[str], index: Any
    ) -> dict[str, Any]:
        """Return the hyperparameters that some parameter has for itself, as `index` has them."""
        values = self.rates.values_of(index)
        own = {}
        for name in names:
            if name in values:
                own[name] = values[name]
            else:
                is_wd = name == "wd"
                own[name] = optimizer._get_wd(index) if is_wd else getattr(optimizer, name)
        return own

    def turn(self, optimizer: Optimizer, call: Any) -> Any:
        """Return the next update of the indices of a call, which is not counted yet."""
        if not self.by_index:
            return call.ahead(self.rates.multipliers, optimizer.begin_num_update)
        ahead = self.rates.ahead()

        def count() -> Any:
            for index in call.indices:
                optimizer._update_count(index)
            return call.by_index(ahead)

        return self.rates.seeing(ahead, count)

    def _constants_by_index(
        self, optimizer: Optimizer, rule: Rule, indices: Sequence[Any]
    ) -> Constants:
        """Return the constants of the present update of each index, equal ones evaluated once."""
        places: dict[Any, int] = {}
        rows: list[np.ndarray] = []
        which = []
        for index in indices:
            own = self.own_numbers(optimizer, rule, index)
            key = tuple(own.items())
            if key not in places:
                places[key] = len(rows)
                rows.append(self._row(optimizer, rule, own))
            which.append(places[key])
        return Constants(np.array(rows), np.array(which, np.int32))

    def _evaluator(
        self, optimizer: Optimizer, rule: Rule, own: Sequence[str], key: Any
    ) -> Evaluator:
        """Keep what evaluates the constants of `rule`, where a step gives the numbers `own`."""
        settings = _settings(optimizer, rule, own)
        evaluator = Evaluator(rule, settings, reader(settings), tuple(own))
        self.evaluators[key] = evaluator
        return evaluator

    def numbers_at(self, optimizer: Optimizer, rule: Rule, index: Any, turn: Any) -> dict[str, Any]:
        """Return the numbers that `rule` takes for an update that is not counted yet."""
        return self.rates.seeing(turn.view(), self.numbers, optimizer, rule, index)

    def numbers(self, optimizer: Optimizer, rule: Rule, index: Any) -> dict[str, Any]:
        """Return the numbers that `rule` takes for the present update of `index`."""
        return self._with_settings(optimizer, rule, self.own_numbers(optimizer, rule, index))

    def all_numbers_at(
        self, optimizer: Optimizer, rule: Rule, index: Any, t: int, rates: Mapping[str, float]
    ) -> dict[str, Any]:
        """Return all numbers that `rule` takes; see `own_numbers_at`."""
        own = self.own_numbers_at(optimizer, rule, index, t, rates)
        return self._with_settings(optimizer, rule, own)

    def _with_settings(
        self, optimizer: Optimizer, rule: Rule, own: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the own numbers of an update, and the hyperparameters that `rule` takes."""
        key = rule, *own
        if key not in self.readers:
            settings = _settings(optimizer, rule, own)
            self.readers[key] = settings, reader(settings)
        settings, read = self.readers[key]
        own.update(zip(settings, map(as_plain, read(optimizer))))
        return own

    def constants_at(
        self, optimizer: Optimizer, rule: Rule, index: Any, t: int, rates: Mapping[str, float]
    ) -> tuple[float, ...]:
        """Return the constants of `rule` for an update that nobody counts; see `own_numbers_at`."""
        own = self.own_numbers_at(optimizer, rule, index, t, rates)
        return tuple(self._row(optimizer, rule, own).tolist())

    def _row(self, optimizer: Optimizer, rule: Rule, own: Mapping[str, Any]) -> np.ndarray:
        """Return the constants of `rule`, given the numbers that belong to one update."""
        names = rule, *own
        evaluator = self.evaluators.get(names) or self._evaluator(optimizer, rule, list(own), names)
        return evaluator.row(optimizer, tuple(own.values()))

    def own_numbers_at(
        self, optimizer: Optimizer, rule: Rule, index: Any, t: int, rates: Mapping[str, float]
    ) -> dict[str, Any]:
        """Return the numbers of update `t` of `index`, as if every weight had seen as many.

        Parameters
        ----------
        rates : mapping
            ``lr`` and ``wd`` where they are given; they stand in for schedule and multipliers.
        """
        view = View(self.rates.true, {index: t}, t, True)
        return self.rates.seeing(view, self.own_numbers, optimizer, rule, index, rates)

    def own_numbers(
        self, optimizer: Optimizer, rule: Rule, index: Any, rates: Mapping[str, float] = _NONE
    ) -> dict[str, Any]:
        """Return those numbers of `rule` that belong to the present update of `index`.

        Where `rates` has ``lr`` or ``wd``, that overrides schedule and multipliers.
        """
        t = optimizer._index_update_count[index]
        own: dict[str, Any] = {}
        if "lr" in rule.numbers:
            own["lr"] = rates["lr"] if "lr" in rates else optimizer._get_lr(index)
        if "wd" in rule.numbers:
            own["wd"] = rates["wd"] if "wd" in rates else optimizer._get_wd(index)
        if "t" in rule.numbers:
            own["t"] = t
        if self.rates.is_by_name:
            values = self.rates.values_of(index).items()
            own |= {n: as_plain(v) for n, v in values if n in rule.numbers and n not in rates}
        for name, value in self._as_set_for(optimizer, index).numbers(index, t).items():
            if name in rule.numbers:
                own[name] = as_plain(value)
        return own

    def keys(
        self, optimizer: Optimizer, rule: Rule, indices: Sequence[Any], counts: Sequence[int]
    ) -> list[tuple[int, int]]:
        """Return the keys of the noise, or of the rounding, of indices at their counts.

        A stream of noise for each count takes longer than the step of a small weight. So for the
        rounding each weight has one, and counts go through its keys: the rounding mixes every bit.
        """
        seed, known = self.seed(optimizer), self.rates.multipliers.names
        names = [known.get(index, index) for index in indices] if known else indices
        if rule.draws:
            return each_key(seed, [f"noise/{pair[0]}/{pair[1]}" for pair in zip(names, counts)])
        keys = []
        for name, count in zip(names, counts):
            stream = self.streams.get((seed, name))
            if stream is None:
                stream = self.streams[seed, name] = random.stream(f"rounding/{name}", seed)
            keys.append(((stream[0] + count * _STEP) & _WORD, stream[1]))
        return keys

    def key(self, optimizer: Optimizer, rule: Rule, index: Any, count: int) -> tuple[int, int]:
        """Return the key of one index at a count."""
        return self.keys(optimizer, rule, (index,), (count,))[0]

    def seed(self, optimizer: Optimizer) -> int:
        """Return the seed of noise and rounding, which is drawn where none was given."""
        seed = of_this_process(optimizer.noise_seed)
        if seed is None:
            seed = optimizer.noise_seed = random.draw_seed("noise")
        return seed


class ByGroup:
    """An optimizer's own numbers, which indices of equal multipliers and counts have in common."""

    by_group = True

    def __init__(self, optimizer: Optimizer):
        self.optimizer = optimizer

    def __call__(self, rule: Rule, index: Any, turn: Any) -> dict[str, Any]:
        """Return those of one index, which sees the counts of this turn."""
        count = self.optimizer._index_update_count[index]
        return dict(self.optimizer.numbers(index, count))


def unsettled(index: Any) -> RuntimeError:
    """Return the error that the count of a weight changed while every step was formed."""
    return RuntimeError(
        f"update of {index!r}: expected its count to stay as it is during a step, "
        f"got {len(ATTEMPTS)} changes; count it in one thread and in no scheduler"
    )


def bind(rule: Rule, weights: tuple[Any, ...], *given: Any) -> Any:
    """Return the checked arrays of a step; what was kept of the last such call helps."""
    return backend_of(weights[0]).bind(rule, weights, *given)


def _check(
    call: Any,
    bind: Callable[..., Any],
    rule: Rule,
    weights: Sequence[Any],
    grads: Sequence[Any],
    states: Sequence[Any],
    form: Any,
    constants: Constants,
    keys: Any,
    numbers: Callable[..., dict[str, Any]],
    turn: Any,
) -> None:
    """Do what a step does before it counts: what may fail, and runs code of users."""
    if rule.lowered.reductions or rule.compiled.kernel is None:
        turn.each(numbers, rule, call.indices)
    check(call, bind, rule, weights, grads, states, form)


def reader(settings: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that reads these attributes of an optimizer."""
    if len(settings) > 1:
        return attrgetter(*settings)
    return lambda optimizer: tuple(getattr(optimizer, name) for name in settings)


def _settings(optimizer: Optimizer, rule: Rule, own: Collection[str]) -> tuple[str, ...]:
    """Return those numbers of `rule` that are hyperparameters, which the optimizer must have."""
    settings = tuple(name for name in rule.numbers if name not in own)
    for name in settings:
        if name in OWN_NUMBERS or not hasattr(optimizer, name):
            raise TypeError(
                f"{type(optimizer).__name__} must define {name!r}: its rule {rule.name!r} takes it"
            )
    return settings
