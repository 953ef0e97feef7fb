"""Checks of initializers: what they fill, how they come back from text, which numbers they draw."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np

from .. import initializer, random
from ..initializer import RandomInitializer
from . import values
from .arrays import Maker
from .subject import Subject, naming_host_only, refusal

#: The parameter that is filled.
NAME = "fc_weight"


def fills_in_place(subject: Subject, maker: Maker) -> None:
    """Every element becomes a finite number, for each type that weights may have."""
    for dtype in maker.dtypes:
        for init in _settings(subject):
            array = maker.make(np.full(subject.shape, np.nan, dtype))
            assert init(NAME, array) is None, "calling it returned something"
            values_ = maker.host(array).astype(float)
            assert np.isfinite(values_).all(), f"{init!r}, {dtype}: left or made what is not finite"


def comes_back_from_dumps(subject: Subject, maker: Maker) -> None:
    """What dumps returns is JSON, and create makes an initializer of it that does the same."""
    initializer.registry._registered["sevenths"] = values.Sevenths
    initializer.registry._registered[initializer.registry.key(subject.cls.__name__)] = subject.cls
    for init in _settings(subject):
        text = init.dumps()
        json.loads(text)
        twin = initializer.create(text)
        assert type(twin) is type(init)
        assert twin.dumps() == text, f"{text} became {twin.dumps()}"
        assert _bits(twin, subject, maker) == _bits(init, subject, maker), f"{text}: other numbers"


def same_seed_same_numbers(subject: Subject, maker: Maker) -> None:
    """The global seed decides all random numbers."""
    for init in _settings(subject):
        first = _bits(init, subject, maker)
        assert _bits(init, subject, maker) == first, f"{init!r}: the same seed, other numbers"


def own_seed_goes_before(subject: Subject, maker: Maker) -> None:
    """With a seed of its own the global one does not matter, and names differ; if it is random."""
    if not issubclass(subject.cls, RandomInitializer):
        return
    init = subject.create(seed=7)
    first = _bits(init, subject, maker, seed=0)
    assert _bits(init, subject, maker, seed=1) == first, "the global seed changed its numbers"
    assert _bits(init, subject, maker, name="other_weight") != first, "names share their numbers"
    assert _bits(subject.create(seed=8), subject, maker) != first, "another seed, the same numbers"


def gives_the_hosts_numbers(subject: Subject, maker: Maker, host: Maker) -> None:
    """Arrays on another device are filled with what they are filled with on the host."""
    for init in _settings(subject):
        expected = _bits(init, subject, host)
        with naming_host_only():
            found = _bits(init, subject, maker)
        assert found == expected, f"{init!r}: other numbers than on the host"


def refuses_spoilt_arrays(subject: Subject, maker: Maker) -> None:
    """Arrays that cannot be written in place are refused, and stay as they are."""
    for what, spoil in maker.spoilt.items():
        array = spoil(np.full(subject.shape, 0.25, np.float32))
        text = refusal(partial(subject.create(), NAME, array))
        assert text is not None, f"it took an array that is {what}"
        assert NAME in text, f"the error does not name the parameter: {text}"
        assert (maker.host(array) == 0.25).all(), f"an array that is {what} was changed"


def refuses_what_is_no_array(subject: Subject) -> None:
    """Lists, numbers and None are refused."""
    for thing in ([1.0, 2.0], 1.0, None, "text"):
        assert refusal(partial(subject.create(), NAME, thing)) is not None, f"it took {thing!r}"


CHECKS = (
    fills_in_place,
    comes_back_from_dumps,
    same_seed_same_numbers,
    own_seed_goes_before,
    gives_the_hosts_numbers,
    refuses_spoilt_arrays,
    refuses_what_is_no_array,
)


def _settings(subject: Subject) -> list[Any]:
    return [subject.create(**given) for given in subject.settings()]


def _bits(init: Any, subject: Subject, maker: Maker, seed: int = 0, name: str = NAME) -> bytes:
    random.seed(seed)
    array = maker.make(np.zeros(subject.shape, np.float32))
    init(name, array)
    return maker.host(array).tobytes()
