"""Optimizers that hold others: what they share."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

from ..errors import wording
from .base import Optimizer
from .guard import Guarded
from .lists import lists_to_step, takes_lists
from .nested import Nested
from .rates import Rates


class PassedOn:
    """An attribute of the optimizers that a wrapper holds, read and set through it."""

    def __init__(self, name: str):
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        held = instance.inner or (Optimizer,)
        first, *others = (getattr(one, self.name) for one in held)
        if any(other is not first and other != first for other in others):
            remedy = f"read it from the optimizers in {type(instance).__name__}.inner"
            got = ", ".join(map(repr, [first, *others]))
            raise ValueError(wording(self.name, "one that all optimizers share", got, remedy))
        return first

    def __set__(self, instance: Any, value: Any) -> None:
        held = instance.inner
        before = [getattr(one, self.name) for one in held]
        for i, one in enumerate(held):
            try:
                setattr(one, self.name, value)
            except BaseException:  # another one may have taken it
                for earlier, old in zip(held[:i], before):
                    setattr(earlier, self.name, old)
                raise


class Wrapper(Optimizer):
    """Base class of optimizers that hold others, and step by them.

    A subclass declares what it holds: hyperparameters that are `Nested`, or lists of them. It
    overrides `create_state` and `step`. All common hyperparameters belong to the optimizers that
    are held, as do counts, names and multipliers, which they share. They are no arguments of the
    wrapper; as attributes they are read and set through it: ``wrapper.wd = 0.1`` sets those of all.

    Where what is held does not agree, as the learning rates of two optimizers may not, reading
    raises ValueError.

    Attributes
    ----------
    inner : tuple of Optimizer
        What it holds, in the order of declaration.
    by_weight : bool
        Of the class: whether a step of several weights is the steps of each of them, so that they
        may be on several machines, if what is held allows it. False where nothing is declared.
    guards : bool
        Of the class: whether `step` itself sees to what ``on_nonfinite`` says, by `guard.admits`.

    Examples
    --------
    >>> import weightopt_core as wo
    >>> from weightopt_core.optimizer import Nested, Wrapper
    >>> class Backwards(Wrapper):
    ...     optimizer = Nested()
    ...     def step(self, indices, weights, grads, states):
    ...         negative = [-grad for grad in grads]
    ...         self.optimizer.update(indices, weights, negative, states)
    >>> ascent = Backwards(wo.optimizer.create("sgd", learning_rate=0.5))
    >>> ascent.lr
    0.5
    """

    by_weight: ClassVar[bool] = False
    guards: ClassVar[bool] = False

    vars().update({name: PassedOn(name) for name in (*Optimizer.hyperparameters, "num_update")})

    def _prepare(self) -> None:
        self._hold()
        self._join(_together([one._shared() for one in self.inner]))

    def _hold(self) -> None:
        held: list[Optimizer] = []
        for value in self._nested().values():
            held += value if isinstance(value, list) else [value]
        vars(self)["inner"] = tuple(held)

    def _nested(self) -> dict[str, Any]:
        """Return the hyperparameters that are optimizers, or lists of them."""
        return {
            name: getattr(self, name)
            for name, declared in self.hyperparameters.items()
            if isinstance(getattr(declared, "item", declared), Nested)
        }

    def _take(self, name: str, value: Any) -> None:
        if self._is_prepared and name in self._nested():
            got, remedy = "another one", "create another wrapper"
            raise ValueError(wording(name, "the optimizer that is held", got, remedy))

    def _join(self, rates: Rates) -> None:
        super()._join(rates)
        for one in self.inner:
            one._join(rates)

    def _shared(self) -> Rates:
        return self.inner[0]._shared()

    def _counted(self) -> list[Rates]:
        all_of_them = [self._rates, *(rates for one in self.inner for rates in one._counted())]
        return list({id(rates): rates for rates in all_of_them}.values())

    def __copy__(self) -> Any:
        twin = object.__new__(type(self))
        vars(twin).update(copy.copy(vars(self)))
        for name, value in self._nested().items():
            many = isinstance(value, list)
            vars(twin)[name] = [copy.copy(one) for one in value] if many else copy.copy(value)
        twin._hold()
        twin._join(copy.copy(self._shared()))
        return twin

    def _hint(self, name: str) -> str:
        if name in Optimizer.hyperparameters:
            return f"it belongs to the optimizer that is held: create that one with {name}"
        return super()._hint(name)

    @property
    def noise_seed(self) -> int | None:  # type: ignore[override]
        """The seed of noise and rounding of what is held; None where there are several."""
        seeds = {one.noise_seed for one in self.inner}
        return seeds.pop() if len(seeds) == 1 else None

    @noise_seed.setter
    def noise_seed(self, value: int | None) -> None:
        for one in self.inner:
            one.noise_seed = value

    def create_state(self, index: Any, weight: Any) -> Any:
        """Return the initial state of one weight, by default that of what is held."""
        return self.inner[0].create_state(index, weight)

    @takes_lists
    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update a weight and its state in place, or several weights and their states at once.

        As `Optimizer.update` does; lists go to the optimizers that are held as lists.
        """
        lists = lists_to_step(self, index, weight, grad, state, guarded=not self.guards)
        if lists is not None:
            self.step(*lists)

    def step(self, indices: Any, weights: Any, grads: Any, states: Any) -> None:
        """Update weights and states in place; for subclasses.

        Parameters
        ----------
        indices, weights, grads, states : list or tuple
            As for `update`, of equal length and not empty.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement step()")

    def _check(self, indices: Any, weights: Any, grads: Any, states: Any) -> None:
        self.inner[0]._check(indices, weights, grads, states)

    def _guarded(self, indices: Any, grads: Any) -> list[Guarded]:
        return self.inner[0]._guarded(indices, grads)

    def _master(self, index: Any, weight: Any, state: Any) -> Any:
        return self.inner[0]._master(index, weight, state)

    @property
    def idx2name(self) -> Mapping[Any, str]:
        """Names of the parameters by index; to change them, set it."""
        return self.inner[0].idx2name

    @idx2name.setter
    def idx2name(self, names: Mapping[Any, str]) -> None:
        self.param_idx2name = dict(names)

    @property
    def lr_mult(self) -> Mapping[Any, float]:
        """Multipliers of the learning rate by index or name; see `set_lr_mult`."""
        return self.inner[0].lr_mult

    @property
    def wd_mult(self) -> Mapping[Any, float]:
        """Multipliers of the weight decay by index or name; see `set_wd_mult`."""
        return self.inner[0].wd_mult

    def set_lr_mult(self, args_lr_mult: dict[Any, float]) -> None:
        """Set the learning-rate multipliers of single parameters, in all that is held."""
        self._shared().change(lr=args_lr_mult)

    def set_wd_mult(self, args_wd_mult: dict[Any, float]) -> None:
        """Set the weight-decay multipliers of single parameters, in all that is held."""
        self._shared().change(wd=args_wd_mult)

    def _checked_setting(self, name: str, value: Any) -> Any:
        refused: list[TypeError] = []
        for one in self.inner:
            try:
                return one._checked_setting(name, value)
            except TypeError as error:  # another one may take it
                refused.append(error)
        raise refused[0]

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that make an equal one; what is held writes its own."""
        return super(Optimizer, self).arguments()


def _together(found: list[Rates]) -> Rates:
    """Return rates that have the counts, names and multipliers of all."""
    first, *others = {id(rates): rates for rates in found}.values()
    for rates in others:
        counts = {**rates.true, **first.true}
        first.true.replace(counts, max(rates.true.num_update, first.true.num_update))
        one, given = first.given, rates.given
        first.change(
            names={**given.names, **one.names},
            sym=given.sym if one.sym is None else one.sym,
        )
        first.change(
            lr={**given.lr, **one.lr},
            wd={**given.wd, **one.wd},
            by_name=one.by_name.beside(given.by_name),
        )
    return first
