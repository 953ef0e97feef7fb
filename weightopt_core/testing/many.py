"""Checks of several weights: neither their order nor the way of calling matters."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import random
from ..optimizer import get_updater
from . import values
from .arrays import Maker
from .subject import Subject, naming_host_only

SHAPES: dict[Any, tuple[int, ...]] = {
    0: (7,),
    1: (200, 300),
    "head_weight": (4, 3, 2, 2),
    9: (1,),
    3: (),
    4: (0, 2),
}
STEPS = 4


def order_does_not_matter(subject: Subject, maker: Maker) -> None:
    """The weights of a step may come in any order, and in another one at each step."""
    reverse = {"order": lambda indices, t: indices[::-1]}
    rotate = {"order": lambda indices, t: indices[t:] + indices[:t]}
    _equal(subject, maker, reverse, rotate)


def updater_is_the_optimizer(subject: Subject, maker: Maker) -> None:
    """Stepping by an Updater, which keeps the states, gives the same weights."""
    _equal(subject, maker, {"call": _updater})


def many_at_once_are_one_by_one(subject: Subject, maker: Maker) -> None:
    """One call with lists gives the same weights as a call for each."""
    reverse = {"call": _many_by_updater, "order": lambda indices, t: indices[::-1]}
    _equal(subject, maker, {"call": _many}, reverse)


def gives_the_hosts_numbers(subject: Subject, maker: Maker, host: Maker) -> None:
    """Weights on another device become what they become on the host, bit for bit."""
    for given in subject.each_rule():
        for dtype in maker.dtypes:
            expected = _stepped(subject, host, given, dtype)
            with naming_host_only():
                found = _stepped(subject, maker, given, dtype)
            for index, weight in found.items():
                assert weight == expected[index], f"{given}, {dtype}: weight {index!r} differs"


CHECKS = (
    order_does_not_matter,
    updater_is_the_optimizer,
    many_at_once_are_one_by_one,
    gives_the_hosts_numbers,
)


def _one_by_one(optimizer: Any, weights: dict[Any, Any]) -> Callable[..., None]:
    states = {index: optimizer.create_state(index, weights[index]) for index in weights}

    def step(grads: dict[Any, Any]) -> None:
        for index, grad in grads.items():
            optimizer.update(index, weights[index], grad, states[index])

    return step


def _updater(optimizer: Any, weights: dict[Any, Any]) -> Callable[..., None]:
    updater = get_updater(optimizer)

    def step(grads: dict[Any, Any]) -> None:
        for index, grad in grads.items():
            updater(index, grad, weights[index])

    return step


def _many(optimizer: Any, weights: dict[Any, Any]) -> Callable[..., None]:
    states = {index: optimizer.create_state(index, weights[index]) for index in weights}

    def step(grads: dict[Any, Any]) -> None:
        lists = ([by_index[index] for index in grads] for by_index in (weights, grads, states))
        optimizer.update(list(grads), *lists)

    return step


def _many_by_updater(optimizer: Any, weights: dict[Any, Any]) -> Callable[..., None]:
    updater = get_updater(optimizer)
    return lambda grads: updater(
        list(grads), list(grads.values()), [weights[index] for index in grads]
    )


@functools.lru_cache(maxsize=8)
def _drawn(dtype: Any) -> list[dict[Any, np.ndarray]]:
    """Return weights and the gradients of each step, kept for all who ask: not to change."""
    rng = np.random.default_rng(1)
    return [
        {index: np.asarray(rng.normal(size=shape), dtype) for index, shape in SHAPES.items()}
        for _ in range(1 + STEPS)
    ]


def _stepped(
    subject: Subject,
    maker: Maker,
    given: dict[str, Any],
    dtype: Any,
    call: Any = _one_by_one,
    order: Any = lambda indices, t: indices,
) -> dict[Any, bytes]:
    """Return the weights by index after some steps, with a rate that changes on the way."""
    random.seed(0)
    first, *drawn = (
        {index: one.reshape(subject.shaped(one.shape)) for index, one in by_index.items()}
        for by_index in _drawn(dtype)
    )
    weights = {index: maker.make(values) for index, values in first.items()}
    common = {"learning_rate": 0.05, "wd": 0.01, "lr_scheduler": values.Falling()}
    step = call(subject.create(**(given | common)), weights)
    for t, values_of in enumerate(drawn):
        grads = {index: maker.make(array) for index, array in values_of.items()}
        step({index: grads[index] for index in order(list(SHAPES), t)})
    return {index: maker.host(weight).tobytes() for index, weight in weights.items()}


def _equal(subject: Subject, maker: Maker, *changes: dict[str, Any]) -> None:
    """Assert that weights become the same whichever of some changes is made."""
    for given in subject.each_rule():
        for dtype in maker.dtypes:
            plain = _stepped(subject, maker, given, dtype)
            for change in changes:
                for index, weight in _stepped(subject, maker, given, dtype, **change).items():
                    assert weight == plain[index], f"{given}, {dtype}: weight {index!r} differs"
