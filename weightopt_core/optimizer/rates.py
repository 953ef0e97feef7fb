"""Update counts and multipliers of an optimizer, and the rates that follow from them."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Collection, Mapping, MutableMapping
from typing import Any

from ..engine import update_counts
from ..engine.index_groups import Calls
from ..engine.update_counts import View
from .multipliers import Given, without_effect


class Counts(update_counts.Counts, MutableMapping):
    """Update counts by index."""

    __hash__ = None  # type: ignore[assignment]


class Rates:
    """Counts and multipliers of one optimizer.

    While an optimizer forms the numbers of an update, its own code sees the counts with this
    update, and other threads see them without: `weightopt_core.engine.index_groups` says why.

    Parameters
    ----------
    begin : int
        The count of a weight that was never updated.
    names : dict of index to str
        Names of the weights.
    sym : object, optional
        What may have multipliers in its attributes.

    Attributes
    ----------
    true : Counts
        How often each weight was updated.
    multipliers : Multipliers
        The multipliers of each weight.
    is_looked_through : bool
        Whether settings that reach no parameter were looked for since they last changed.
    is_by_name : bool
        Whether some parameter has hyperparameters for itself, or is frozen.
    calls : Calls
        The calls of `update` so far, and what each thread sees of the counts.
    """

    def __init__(self, begin: int, names: Mapping[Any, str], sym: Any = None):
        self.true = Counts({}, begin)
        self.given = Given({}, {}, dict(names), sym)
        self.multipliers = self.given.multipliers()
        self.is_looked_through = False
        self.calls = Calls()
        self.is_by_name = False
        self._values: dict[Any, dict[str, Any]] = {}

    def __copy__(self) -> Rates:
        """Return rates of the same multipliers, with counts of their own."""
        twin = object.__new__(Rates)
        calls = Calls(self.calls.skipped)
        vars(twin).update(vars(self), true=copy.deepcopy(self.true), calls=calls)
        return twin

    @property
    def counts(self) -> Counts | View:
        """The counts that the present thread sees."""
        view = self.calls.view()
        return self.true if view is None else view

    def seeing(self, view: View, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function does while the present thread sees `view` as the counts."""
        return self.calls.seeing(view, function, *arguments)

    def ahead(self) -> View:
        """Return counts that may be changed and that nobody else sees."""
        return View(self.true)

    def change(self, **given: Any) -> None:
        """Take over other values of `Given`; where they are refused, nothing changes."""
        changed = self.given._replace(**given)
        self.multipliers = changed.multipliers()
        self.given = changed._replace(lr=dict(changed.lr), wd=dict(changed.wd))
        self.is_by_name = any(changed.by_name)
        self._values = {}
        self.is_looked_through = False

    def values_of(self, index: Any) -> dict[str, Any]:
        """Return the hyperparameters that `index` has for itself."""
        values = self._values  # another thread may replace it
        if index not in values:
            names, by_name = self.multipliers.names, self.multipliers.by_name
            values[index] = by_name.values_of(names.get(index, index))
        return values[index]

    def is_frozen(self, index: Any) -> bool:
        """Whether the updates of `index` are left out."""
        return self.multipliers.by_name.is_frozen(self.multipliers.names.get(index, index))

    def look_through(self, wd: float, indices: Collection[Any]) -> None:
        """Warn of settings that reach no parameter, as soon as all parameters are known.

        All are known where they have names, or else where one of `indices` was updated before: then
        the first pass is over.
        """
        names = self.multipliers.names
        if names or any(index in self.true for index in indices):
            self.is_looked_through = True
            known = names or list(self.true)
            for text in without_effect(self.given, self.multipliers, wd, known):
                warnings.warn(text, UserWarning, stacklevel=4)
