"""Update counts, and the learning rate and weight decay that they and the multipliers give."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from types import MappingProxyType
from typing import Any

from . import multipliers
from .kernels import counts  # type: ignore[attr-defined]
from .multipliers import Multipliers


class Counts(counts.Counts, MutableMapping):  # type: ignore[misc]
    """Update counts by index."""

    __hash__ = None  # type: ignore[assignment]


class Rates:
    """The part of an optimizer that counts updates and knows each parameter's rates."""

    learning_rate: Any
    lr_scheduler: Any
    wd: Any
    sym: Any
    begin_num_update: Any
    _counts: Counts
    _multipliers: Multipliers

    @property
    def num_update(self) -> int:
        """The largest number of updates that any one parameter has seen."""
        return self._counts.num_update

    @num_update.setter
    def num_update(self, value: int) -> None:
        self._counts.num_update = value

    @property
    def _index_update_count(self) -> Counts:
        return self._counts

    @_index_update_count.setter
    def _index_update_count(self, values: Mapping[Any, int]) -> None:
        self._counts = Counts(values, self.num_update)

    @property
    def idx2name(self) -> Mapping[Any, str]:
        """Names of the parameters by index; to change them, set it."""
        return MappingProxyType(self._multipliers.names)  # type: ignore[arg-type]

    @idx2name.setter
    def idx2name(self, names: Mapping[Any, str]) -> None:
        self._multipliers = self._multipliers._replace(names=dict(names))

    @property
    def lr_mult(self) -> Mapping[Any, float]:
        """Multipliers of the learning rate by index or name; see `set_lr_mult`."""
        return MappingProxyType(self._multipliers.lr)  # type: ignore[arg-type]

    @property
    def wd_mult(self) -> Mapping[Any, float]:
        """Multipliers of the weight decay by index or name; see `set_wd_mult`."""
        return MappingProxyType(self._multipliers.wd)  # type: ignore[arg-type]

    @property
    def lr(self) -> float:
        """The learning rate without a scheduler, and before any multiplier."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: float) -> None:
        self.learning_rate = value

    def set_lr_mult(self, args_lr_mult: dict[Any, float]) -> None:
        """Set the learning-rate multipliers of single parameters, and forget earlier ones.

        Parameters
        ----------
        args_lr_mult : dict of str or int to float
            Multipliers, at least 0, by name or index; an index goes before a name. They go
            before the attributes ``__lr_mult__`` of `sym`.

        Raises
        ------
        ValueError
            Names are known and a key is none of them.
        """
        given = multipliers.checked("lr_mult", args_lr_mult, self.idx2name, self.sym)
        attributes = multipliers.from_attributes(self.sym, "__lr_mult__")
        self._multipliers = self._multipliers._replace(lr=attributes | given)

    def set_wd_mult(self, args_wd_mult: dict[Any, float]) -> None:
        """Set the weight-decay multipliers of single parameters, and forget earlier ones.

        Parameters
        ----------
        args_wd_mult : dict of str or int to float
            Multipliers, at least 0, by name or index; an index goes before a name. They go
            before the attributes ``__wd_mult__`` of `sym`, and these before the default of 0 for
            names that end neither in ``_weight`` nor in ``_gamma``.

        Raises
        ------
        ValueError
            Names are known and a key is none of them.
        """
        given = multipliers.checked("wd_mult", args_wd_mult, self.idx2name, self.sym)
        attributes = multipliers.from_attributes(self.sym, "__wd_mult__")
        default = multipliers.without_decay(self.idx2name)
        self._multipliers = self._multipliers._replace(wd=default | attributes | given)

    def set_lr_scale(self, args_lrscale: dict[Any, float]) -> None:
        """Raise DeprecationWarning: use `set_lr_mult`."""
        raise DeprecationWarning("set_lr_scale is gone; use set_lr_mult")

    def _update_count(self, index: Any) -> None:
        """Count one more update of `index`."""
        count = self._index_update_count.get(index, self.begin_num_update) + 1
        self._index_update_count[index] = count
        self.num_update = max(count, self.num_update)

    def _restore_counts(self, indices: Sequence[Any], num_update: int, counts: list[Any]) -> None:
        self.num_update = num_update
        for index, count in zip(indices, counts):
            if count is None:
                self._index_update_count.pop(index, None)
            else:
                self._index_update_count[index] = count

    def _get_lr(self, index: Any) -> float:
        """Return the learning rate of `index` at the present count."""
        return self._base_lr(self.num_update) * self._multipliers.of_lr(index)

    def _base_lr(self, num_update: int) -> float:
        """Return the learning rate before multipliers."""
        scheduler = self.lr_scheduler
        return self.learning_rate if scheduler is None else float(scheduler(num_update))

    def _get_wd(self, index: Any) -> float:
        """Return the weight decay of `index`."""
        return self.wd * self._multipliers.of_wd(index)
