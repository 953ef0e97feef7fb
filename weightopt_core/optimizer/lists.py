"""Several parameters in one call, or one, for an `update` that a class has written for one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..errors import wording
from .by_name import thawed
from .guard import admits


def check_lists(count: int, **lists: Any) -> None:
    """Raise ValueError where one of `lists` is no list or tuple of `count` items."""
    for name, values in lists.items():
        is_list = isinstance(values, (list, tuple))
        if not is_list or len(values) != count:
            got = f"{len(values)} of them" if is_list else f"a {type(values).__name__}"
            raise ValueError(wording(name, f"a list of {count}, one for each index", got))


def one_by_one(update: Callable[..., None]) -> Callable[..., None]:
    """Return an `update` of a single weight as one that takes lists too, and goes through them.

    All gradients are looked through before the first update, as ``on_nonfinite`` asks for.
    """

    @functools.wraps(update)
    def each(self: Any, index: Any, weight: Any, grad: Any, state: Any) -> None:
        if not isinstance(index, (list, tuple)):
            if not self._rates.is_frozen(index) and admits(self, (index,), (grad,)):
                return update(self, index, weight, grad, state)
            return None
        check_lists(len(index), weight=weight, grad=grad, state=state)
        if admits(self, index, grad):
            for given in zip(*thawed(self._rates, index, weight, grad, state)):
                update(self, *given)
        return None

    return each


def lists_to_step(
    optimizer: Any, index: Any, weight: Any, grad: Any, state: Any, guarded: bool = True
) -> tuple[Any, ...] | None:
    """Return what `update` was given as lists, without what is frozen; None where nothing is left.

    Where the gradients are to be left out, as ``on_nonfinite`` asks for, nothing is left either;
    with `guarded` false they are not looked at.
    """
    if not isinstance(index, (list, tuple)):
        index, weight, grad, state = (index,), (weight,), (grad,), (state,)
    elif type(index) is not list:
        index = tuple(index)
    check_lists(len(index), weight=weight, grad=grad, state=state)
    shared = optimizer._shared()
    if shared.is_by_name:
        index, weight, grad, state = thawed(shared, index, weight, grad, state)
    is_left = index and (not guarded or admits(optimizer, index, grad))
    return (index, weight, grad, state) if is_left else None


def takes_lists(update: Callable[..., None]) -> Callable[..., None]:
    """Mark an `update` that takes lists itself, so that it is not called for one after another."""
    update.takes_lists = True  # type: ignore[attr-defined]
    return update
