"""Learning-rate and weight-decay multipliers of single parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ..errors import nearest, wording
from ..hyperparameters import Real
from ..init_desc import DECAYING, decays
from .by_name import LR_MULT, ByName


class Multiplier(Real):
    """The multiplier of one parameter."""

    def __init__(self, name: str):
        super().__init__(1.0, "[0, inf)")
        self.name = name


def from_attributes(sym: Any, attribute: str) -> dict[Any, float]:
    """Return the multipliers that the arguments of `sym` carry in their attributes."""
    if sym is None:
        return {}
    attributes = sym.attr_dict()
    return {
        name: Multiplier(f"{attribute} of {name!r}").check(float(attributes[name][attribute]))
        for name in sym.list_arguments()
        if attribute in attributes.get(name, {})
    }


def checked(argument: str, given: Any, idx2name: Mapping[Any, str], sym: Any) -> dict[Any, float]:
    """Return `given` with every key known and every value a number of at least 0.

    A key is an index or a name. Where names are known, any other key is an error.
    """
    if not isinstance(given, Mapping):
        raise TypeError(wording(argument, "a dict", repr(given)))
    names = {*idx2name.values(), *(sym.list_arguments() if sym is not None else ())}
    for key in given:
        if names and key not in names and key not in idx2name:
            known = nearest(str(key), [*names, *(str(index) for index in idx2name)])
            raise ValueError(f"{argument}: unknown parameter {key!r}; {known}")
    return {key: Multiplier(f"{argument}[{key!r}]").check(value) for key, value in given.items()}


class Given(NamedTuple):
    """What multipliers follow from.

    Attributes
    ----------
    lr, wd : dict
        Multipliers by index or name, as they were set.
    names : dict
        Names by index.
    sym : object or None
        What may have further ones in its attributes.
    by_name : ByName
        What holds by patterns of names.
    """

    lr: Mapping[Any, float]
    wd: Mapping[Any, float]
    names: Mapping[Any, str]
    sym: Any
    by_name: ByName = ByName()

    def multipliers(self) -> Multipliers:
        """Return the multipliers; raise where a key or a value is not as described."""
        lr = checked("lr_mult", self.lr, self.names, self.sym)
        wd = checked("wd_mult", self.wd, self.names, self.sym)
        without = {name: 0.0 for name in self.names.values() if not decays(name)}
        return Multipliers(
            from_attributes(self.sym, "__lr_mult__") | lr,
            without | from_attributes(self.sym, "__wd_mult__") | wd,
            self.names,
            self.by_name,
        )


class Multipliers(NamedTuple):
    """All multipliers of an optimizer; never changed, but replaced by others.

    Attributes
    ----------
    lr, wd : dict
        Multipliers by index or name; one by index overrides one by name.
    names : dict
        Names by index. An index without one is its own name.
    by_name : ByName
        What holds by patterns of names.
    """

    lr: Mapping[Any, float]
    wd: Mapping[Any, float]
    names: Mapping[Any, str]
    by_name: ByName = ByName()

    def of_lr(self, index: Any) -> float:
        """Return the multiplier of the learning rate of `index`."""
        multiplier = self._of(self.lr, index, 1.0)
        if self.by_name.settings:
            multiplier *= self.by_name.values_of(self.names.get(index, index)).get(LR_MULT, 1.0)
        return multiplier

    def of_wd(self, index: Any) -> float:
        """Return the multiplier of the weight decay of `index`."""
        return self._of(self.wd, index, float(decays(self.names.get(index, index))))

    def _of(self, multipliers: Mapping[Any, float], index: Any, default: float) -> float:
        if not multipliers:
            return default
        if index not in multipliers:
            index = self.names.get(index)
        # Adding 0 leaves no -0, which would equal 0 and give other bits.
        return float(multipliers.get(index, default)) + 0.0


def without_effect(
    given: Given, multipliers: Multipliers, wd: float, indices: Collection[Any]
) -> Iterator[str]:
    """Word each setting that reaches none of `indices`, which are all the parameters there are."""
    names = {index: given.names.get(index, index) for index in indices}
    for argument, keys in (("lr_mult", given.lr), ("wd_mult", given.wd)):
        for key in keys:
            if key not in names and key not in names.values():
                known = nearest(str(key), map(str, names))
                yield f"{argument}: {key!r} is no parameter that was updated so far; {known}"
    # What is frozen is not updated, so that its name may be unknown.
    for pattern, _ in () if given.by_name.frozen else given.by_name.settings:
        if not any(fnmatchcase(str(name), pattern) for name in names.values()):
            known = nearest(pattern, map(str, names.values()))
            yield f"pattern {pattern!r} fits no parameter that was updated so far; {known}"
    by_default = [i for i, name in names.items() if i not in given.wd and name not in given.wd]
    if wd > 0 and by_default and not any(map(multipliers.of_wd, indices)):
        yield (
            f"wd: expected a parameter that decays, got {wd!r} and none; names of those that do by "
            f"default end in {', '.join(DECAYING)}, and set_wd_mult({{name: 1.0}}) adds others"
        )
