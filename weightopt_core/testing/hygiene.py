"""Checks of what optimizers refuse: then nothing has changed; and what they never write to."""

from __future__ import annotations

import unittest
import warnings
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from ..optimizer import Wrapper
from .arrays import Maker
from .subject import Subject, refusal

SHAPE = (3, 4)


class Arguments:
    """The arguments of one update, some of which a check replaces."""

    def __init__(self, subject: Subject, maker: Maker, given: dict[str, Any], dtype: Any):
        self.maker = maker
        self.optimizer = subject.create(**given)
        rng = np.random.default_rng(0)
        weight, grad = (maker.make(rng.normal(size=SHAPE).astype(dtype)) for _ in range(2))
        self.form = self.optimizer.create_state(0, weight)
        states = [*_leaves(self.form)]
        self.arrays = [weight, grad, *states]
        rule = self.optimizer.rule
        self.names = ["weight", "grad", *(rule.states if rule else map(str, range(len(states))))]

    @property
    def state(self) -> Any:
        """The state, in the form in which it came."""
        return _with_leaves(self.form, iter(self.arrays[2:]))

    def update(self) -> None:
        """Update with the arguments as they are."""
        self.optimizer.update(0, self.arrays[0], self.arrays[1], self.state)

    def bytes(self) -> list[Any]:
        """Return the elements of all arrays."""
        arrays = (a for a in self.arrays if hasattr(a, "shape"))
        return [np.asarray(self.maker.host(array)).tobytes() for array in arrays]


def refuses_spoilt_arrays(subject: Subject, maker: Maker) -> None:
    """Strided, misaligned and read-only arrays are refused, and nothing changes."""
    for what, spoil in maker.spoilt.items():
        taken = {"grad"} if what == "read-only" else set()

        def other(old: Any, spoil: Any = spoil, what: str = what) -> Any:
            return old if what == "strided" and not old.ndim else spoil(maker.host(old))

        _refuses(subject, maker, what, other, taken)


def refuses_other_shapes(subject: Subject, maker: Maker) -> None:
    """A gradient or state of another shape than the weight's is refused, and nothing changes."""
    for shape in ((4, 3), (3, 4, 1), (11,), ()):

        def other(old: Any, shape: Any = shape) -> Any:
            return old if old.shape == shape else maker.make(np.ones(shape, old.dtype))

        _refuses(subject, maker, f"of shape {shape}", other, {"weight"})


def refuses_other_dtypes(subject: Subject, maker: Maker) -> None:
    """Arrays of integers, and gradients and states of another float type, are refused."""
    for name in ("int32", *(dtype.name for dtype in maker.full())):

        def other(old: Any, name: str = name) -> Any:
            return None if old.dtype.name == name else maker.make(maker.host(old).astype(name))

        _refuses(subject, maker, f"of {name}", other, set() if name == "int32" else {"weight"})


def refuses_what_is_no_array(subject: Subject, maker: Maker) -> None:
    """Lists, numbers and None are refused, and nothing changes."""
    for thing in ([[1.0] * 4] * 3, 1.0, None, "text"):

        def other(old: Any, thing: Any = thing) -> Any:
            return thing

        _refuses(subject, maker, repr(thing), other)


def never_writes_the_gradient(subject: Subject, maker: Maker) -> None:
    """The gradient is afterwards as it was."""
    for arguments in _all(subject, maker):
        before = arguments.bytes()[1]
        arguments.update()
        assert arguments.bytes()[1] == before, "update wrote to the gradient"


def takes_a_read_only_gradient(subject: Subject, maker: Maker) -> None:
    """A gradient that cannot be written to will do, where there are such arrays."""
    for arguments in _all(subject, maker) if "read-only" in maker.spoilt else ():
        arguments.arrays[1] = maker.spoilt["read-only"](maker.host(arguments.arrays[1]))
        arguments.update()


def looks_for_what_is_not_finite(subject: Subject, maker: Maker) -> None:
    """A gradient that holds an infinity or NaN is refused or left out, where that is asked for."""
    passed_on = issubclass(subject.cls, Wrapper)
    if "on_nonfinite" not in subject.cls.hyperparameters and not passed_on:
        raise unittest.SkipTest("it decides itself about gradients that are not finite")
    for arguments in _all(subject, maker):
        values = maker.host(arguments.arrays[1])
        values.reshape(-1)[-1] = np.inf
        arguments.arrays[1] = maker.make(values)
        before, optimizer = arguments.bytes(), arguments.optimizer
        optimizer.on_nonfinite = "skip"
        with warnings.catch_warnings(record=True):
            arguments.update()
        optimizer.on_nonfinite = "raise"
        try:
            arguments.update()
        except FloatingPointError:
            pass
        else:
            raise AssertionError("update took a gradient that holds an infinity")
        assert arguments.bytes() == before, "update changed something, for a gradient not finite"
        assert optimizer.num_update == 0, "update counted a gradient that is not finite"


CHECKS = (
    refuses_spoilt_arrays,
    refuses_other_shapes,
    refuses_other_dtypes,
    refuses_what_is_no_array,
    never_writes_the_gradient,
    takes_a_read_only_gradient,
    looks_for_what_is_not_finite,
)


def _leaves(state: Any) -> Iterator[Any]:
    """Yield what a state is made of, however deep tuples are nested."""
    if isinstance(state, (tuple, list)):
        for part in state:
            yield from _leaves(part)
    elif state is not None:
        yield state


def _with_leaves(state: Any, leaves: Iterator[Any]) -> Any:
    """Return a state of the same form that is made of `leaves`."""
    if isinstance(state, (tuple, list)):
        return tuple(_with_leaves(part, leaves) for part in state)
    return None if state is None else next(leaves)


def _all(subject: Subject, maker: Maker) -> Iterator[Arguments]:
    for given in subject.each_rule():
        for dtype in maker.dtypes:
            yield Arguments(subject, maker, given, dtype)


def _refuses(
    subject: Subject,
    maker: Maker,
    what: str,
    change: Callable[[Any], Any],
    taken: AbstractSet[str] = frozenset(),
) -> None:
    """Assert that update refuses each argument, changed in turn, but those that may be `taken`.

    What `change` returns as it is cannot be changed so.
    """
    for arguments in _all(subject, maker):
        for i, name in enumerate(arguments.names):
            if name in taken:
                continue
            old = arguments.arrays[i]
            arguments.arrays[i] = change(old)
            if arguments.arrays[i] is old:
                continue
            before = arguments.bytes()
            text = refusal(arguments.update)
            assert text is not None, f"update took a {name} that is {what}"
            assert arguments.bytes() == before, f"{name} that is {what}: refused, but changed"
            assert arguments.optimizer.num_update == 0, f"{name} that is {what}: it was counted"
            arguments.arrays[i] = old
