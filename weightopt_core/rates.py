"""Update counts, and the learning rate and weight decay that they and the multipliers give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import multipliers


class Rates:
    """The part of an optimizer that counts updates and knows each parameter's rates."""

    learning_rate: Any
    lr_scheduler: Any
    wd: Any
    sym: Any
    begin_num_update: Any
    num_update: int
    idx2name: dict[Any, str]
    _index_update_count: dict[Any, int]

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
        self.lr_mult = multipliers.from_attributes(self.sym, "__lr_mult__") | given

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
        self.wd_mult = multipliers.without_decay(self.idx2name) | attributes | given

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
        lr = self.learning_rate
        if self.lr_scheduler is not None:
            lr = float(self.lr_scheduler(self.num_update))
        return multipliers.effective(lr, self.lr_mult, index, self.idx2name)

    def _get_wd(self, index: Any) -> float:
        """Return the weight decay of `index`."""
        return multipliers.effective(self.wd, self.wd_mult, index, self.idx2name)
