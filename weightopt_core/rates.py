"""Update counts and multipliers of an optimizer, and the rates that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from . import multipliers
from .kernels import counts  # type: ignore[attr-defined]
from .kernels.calls import Calls  # type: ignore[import-not-found]
from .kernels.counts import View  # type: ignore[import-not-found]
from .multipliers import Multipliers


class Counts(counts.Counts, MutableMapping):  # type: ignore[misc]
    """Update counts by index."""

    __hash__ = None  # type: ignore[assignment]


class Rates:
    """Counts and multipliers of one optimizer.

    While an optimizer forms the numbers of an update, its own code sees the counts with this
    update, and other threads see them without: `weightopt_core.kernels.calls` says why.

    Parameters
    ----------
    begin : int
        The count of a weight that was never updated.
    names : dict of index to str
        Names of the weights.

    Attributes
    ----------
    true : Counts
        How often each weight was updated.
    multipliers : Multipliers
        Those of each weight.
    calls : Calls
        The calls of `update` so far, and what each thread sees of the counts.
    """

    def __init__(self, begin: int, names: Mapping[Any, str]):
        self.true = Counts({}, begin)
        self.multipliers = Multipliers({}, {}, dict(names))
        self.calls = Calls()

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

    def set_names(self, names: Mapping[Any, str]) -> None:
        """Take over the names of the weights."""
        self.multipliers = self.multipliers._replace(names=dict(names))

    def set_lr_mult(self, given: Any, sym: Any) -> None:
        """Set the learning rate's multipliers, and forget earlier ones."""
        names = self.multipliers.names
        own = multipliers.checked("lr_mult", given, names, sym)
        attributes = multipliers.from_attributes(sym, "__lr_mult__")
        self.multipliers = self.multipliers._replace(lr=attributes | own)

    def set_wd_mult(self, given: Any, sym: Any) -> None:
        """Set the weight decay's multipliers, and forget earlier ones."""
        names = self.multipliers.names
        own = multipliers.checked("wd_mult", given, names, sym)
        attributes = multipliers.from_attributes(sym, "__wd_mult__")
        default = multipliers.without_decay(names)
        self.multipliers = self.multipliers._replace(wd=default | attributes | own)
