"""Hyperparameters of single parameters, and freezing, by patterns of names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from ..errors import nearest, wording
from ..hyperparameters import Real
from ..rule import power
from ..written import plain

if TYPE_CHECKING:
    from .rates import Rates

#: What is multiplied by the rate of a parameter, beside hyperparameters of its rule.
LR_MULT = "lr_mult"
_MULTIPLIER = Real(interval="[0, inf)")
_MULTIPLIER.name = LR_MULT


class ByName(NamedTuple):
    """What holds for parameters whose name fits a pattern; of several that fit, the last holds.

    Attributes
    ----------
    settings : tuple of (str, dict)
        Values of hyperparameters by pattern.
    frozen : tuple of (str, bool)
        Whether parameters are frozen, by pattern.
    """

    settings: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    frozen: tuple[tuple[str, bool], ...] = ()

    def values_of(self, name: Any) -> dict[str, Any]:
        """Return the values of a parameter by hyperparameter."""
        found: dict[str, Any] = {}
        for pattern, values in self.settings:
            if fnmatchcase(str(name), pattern):
                found |= values
        return found

    def is_frozen(self, name: Any) -> bool:
        """Whether a parameter is frozen."""
        fitting = [frozen for pattern, frozen in self.frozen if fnmatchcase(str(name), pattern)]
        return bool(fitting) and fitting[-1]

    def overridden(self) -> list[str]:
        """Return the hyperparameters that are another one for some parameter."""
        names = dict.fromkeys(name for _, values in self.settings for name in values)
        return [name for name in names if name != LR_MULT]

    def with_settings(self, new: Mapping[str, Mapping[str, Any]]) -> ByName:
        """Return it with settings that hold before others; what they hide is left out."""
        rest = [
            (pattern, values)
            for pattern, values in self.settings
            if pattern not in new or values.keys() - new[pattern].keys()
        ]
        return self._replace(settings=(*rest, *new.items()))

    def written(self) -> dict[str, Any]:
        """Return it as JSON keeps it, without what is empty."""
        settings = [
            [pattern, {name: plain(name, value) for name, value in values.items()}]
            for pattern, values in self.settings
        ]
        frozen = [[*pair] for pair in self.frozen]
        return {k: v for k, v in (("settings", settings), ("frozen", frozen)) if v}

    def beside(self, other: ByName) -> ByName:
        """Return what holds for this and, where that differs, for another one."""
        return ByName(
            (*self.settings, *(one for one in other.settings if one not in self.settings)),
            (*self.frozen, *(one for one in other.frozen if one not in self.frozen)),
        )


def thawed(rates: Rates, indices: Sequence[Any], *lists: Sequence[Any]) -> tuple[Any, ...]:
    """Return the lists of a step without what is frozen."""
    kept = [place for place, index in enumerate(indices) if not rates.is_frozen(index)]
    if len(kept) == len(indices):
        return (indices, *lists)
    return tuple([values[place] for place in kept] for values in (indices, *lists))


class NamedSettings:
    """What an optimizer offers to set by name; part of `Optimizer`."""

    hyperparameters: Any
    _formula: ClassVar[Any]
    _rates: Rates

    def set_for(self, *patterns: str, **values: Any) -> None:
        """Set hyperparameters of the parameters whose name fits one of the patterns.

        Parameters
        ----------
        *patterns : str
            As of `fnmatch`: ``"*_bias"``, ``"block[0-3].*"``. An index without a name is its own
            name. Of several patterns that fit, the one that was set last holds.
        **values
            Any hyperparameter that the rule takes, such as ``wd`` or ``beta2``: it stands in for
            the optimizer's own, and ``wd`` also for its multipliers. And ``lr_mult``, by which the
            rate is multiplied, beside the multipliers of `set_lr_mult`.

        Raises
        ------
        TypeError, ValueError
            A pattern fits none of the names, where they are known; the rule does not take such a
            number, or a value is out of its range. Then nothing has changed.

        Examples
        --------
        >>> import numpy as np
        >>> import weightopt_core as wo
        >>> adam = wo.optimizer.create("adam", wd=0.01)
        >>> adam.set_for("*_bias", "*_gamma", wd=0.0, beta2=0.95)
        >>> adam.numbers_at("fc_bias", 1)["beta2"], adam.numbers_at("fc_weight", 1)["beta2"]
        (0.95, 0.999)
        """
        if not values:
            raise TypeError(wording("set_for", "hyperparameters by name", "none"))
        checked = {name: self._checked_setting(name, value) for name, value in values.items()}
        by_name = self._by_name(patterns)
        self._shared().change(by_name=by_name.with_settings(dict.fromkeys(patterns, checked)))

    def set_layer_decay(self, decay: float, patterns: Sequence[str]) -> None:
        """Let the rate fall from layer to layer: of the last one it is whole.

        The rate of layer `i` of `n` is multiplied by ``decay ** (n - 1 - i)``.

        Parameters
        ----------
        decay : float
            Above 0; often from 0.65 to 0.9.
        patterns : list of str
            Those of each layer, the first layer's first; see `set_for`.

        Examples
        --------
        >>> import weightopt_core as wo
        >>> adam = wo.optimizer.create("adam", learning_rate=1.0)
        >>> adam.set_layer_decay(0.5, ["embed*", "block0*", "block1*", "head*"])
        >>> [adam.numbers_at(name, 1)["lr"] for name in ("embed", "block1_weight", "head")]
        [0.125, 0.5, 1.0]
        """
        limit = Real(interval="(0, inf)")
        limit.name = "decay"
        number = limit.check(decay)
        by_name, last = self._by_name(patterns), len(patterns) - 1
        settings = {
            pattern: {LR_MULT: _MULTIPLIER.check(power(number, last - depth))}
            for depth, pattern in enumerate(patterns)
        }
        self._shared().change(by_name=by_name.with_settings(settings))

    def freeze(self, *patterns: str) -> None:
        """Freeze the parameters whose name fits one of the patterns, as in `set_for`.

        An update of a frozen parameter changes nothing and counts nothing.

        Examples
        --------
        >>> import numpy as np
        >>> import weightopt_core as wo
        >>> sgd = wo.optimizer.create("sgd", learning_rate=0.5)
        >>> sgd.freeze("*")
        >>> sgd.thaw("head*")
        >>> weights = [np.zeros(1), np.zeros(1)]
        >>> sgd.update(["embed", "head"], weights, [np.ones(1), np.ones(1)], [None, None])
        >>> weights
        [array([0.]), array([-0.5])]
        """
        self._set_frozen(patterns, True)

    def thaw(self, *patterns: str) -> None:
        """Let the parameters whose name fits one of the patterns be updated again."""
        self._set_frozen(patterns, False)

    def _set_frozen(self, patterns: Collection[str], frozen: bool) -> None:
        by_name = self._by_name(patterns)
        rest = tuple(one for one in by_name.frozen if one[0] not in patterns)
        new = (*rest, *((pattern, frozen) for pattern in patterns))
        # Where nothing is frozen before, nothing has to be thawed.
        while new and not new[0][1]:
            new = new[1:]
        self._shared().change(by_name=by_name._replace(frozen=new))

    def _by_name(self, patterns: Collection[str]) -> ByName:
        """Return what holds at present; raise where a pattern fits no name that is known."""
        if isinstance(patterns, str) or not patterns:
            raise TypeError(wording("patterns", "at least one, in a list", repr(patterns)))
        multipliers = self._shared().multipliers
        names = [*map(str, multipliers.names.values())]
        for pattern in patterns:
            if not isinstance(pattern, str):
                raise TypeError(wording("pattern", "a str, such as '*_bias'", repr(pattern)))
            if names and not any(fnmatchcase(name, pattern) for name in names):
                got = f"{pattern!r}, and {nearest(pattern, names)}"
                raise ValueError(wording("pattern", "one that fits a parameter", got))
        return multipliers.by_name

    def _shared(self) -> Rates:
        """Return the rates that count updates, also where this itself counts something else."""
        return self._rates

    def _checked_setting(self, name: str, value: Any) -> Any:
        """Return the value that one parameter may have of a hyperparameter, or raise."""
        if name == LR_MULT:
            return _MULTIPLIER.check(value)
        taken = () if self._formula is None else self._formula.numbers
        taken = [one for one in taken if one != "lr"]
        known = [one for one in taken if one in self.hyperparameters]
        if name not in known:
            lr = name in ("lr", "learning_rate")
            hint = f"use {LR_MULT}" if lr else nearest(name, [*known, LR_MULT])
            raise TypeError(wording(name, "a hyperparameter that the rule takes", "another", hint))
        return self.hyperparameters[name].check(value)

    def _take_written(self, settings: Any, frozen: Any) -> None:
        """Take over what `ByName.written` returned; a number that another one takes is kept."""
        found = []
        for pattern, values in settings:
            checked = {}
            for name, value in dict(values).items():
                own = name == LR_MULT or name in self.hyperparameters
                checked[name] = self._checked_setting(name, value) if own else _NUMBER.check(value)
            found.append((str(pattern), checked))
        pairs = tuple((str(pattern), bool(is_frozen)) for pattern, is_frozen in frozen)
        self._shared().change(by_name=ByName(tuple(found), pairs))


_NUMBER = Real(optional=True)
_NUMBER.name = "setting"
