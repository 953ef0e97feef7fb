"""Looking through the arrays of a step ahead of it."""

import gc
import sys

import numpy as np
import pytest

import weightopt_core as mx
from weightopt_core import update_rule
from weightopt_core.testing.arrays import makers


@update_rule
def interpreted(weight, grad, mom, *, lr):
    return weight - lr * (mom + grad), mom + grad


class Interpreted(mx.Optimizer):
    rule = interpreted


on_every_device = pytest.mark.parametrize("maker", makers(), ids=lambda maker: maker.name)


def given(optimizer, maker):
    weights = [maker.make(np.ones(n, np.float32)) for n in (3, 5)]
    grads = [maker.make(np.full(n, 0.5, np.float32)) for n in (3, 5)]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    return [0, 1], weights, grads, states


def made(name):
    return Interpreted() if name == "interpreted" else mx.optimizer.create(name)


@on_every_device
@pytest.mark.parametrize("name", ["adam", "lamb", "interpreted"])
def test_nothing_changes_and_the_step_is_the_same(name, maker):
    results = []
    for looks in (False, True):
        optimizer = made(name)
        lists = given(optimizer, maker)
        for _ in range(3):
            if looks:
                before = [maker.host(weight).tobytes() for weight in lists[1]]
                counts = dict(optimizer._index_update_count)
                optimizer._check(*lists)
                optimizer._check(*lists)
                assert [maker.host(weight).tobytes() for weight in lists[1]] == before
                assert optimizer._index_update_count == counts
            optimizer.update(*lists)
        results.append([maker.host(weight).tobytes() for weight in lists[1]])
    assert results[0] == results[1]


@on_every_device
def test_it_refuses_what_the_step_refuses(maker):
    optimizer = mx.optimizer.create("adam")
    indices, weights, grads, states = given(optimizer, maker)
    for wrong in (grads[::-1], [*grads[:1], None], [*grads[:1], weights[1]]):
        texts = []
        for call in (optimizer._check, optimizer.update):
            with pytest.raises((TypeError, ValueError)) as error:
                call(indices, weights, wrong, states)
            texts.append(str(error.value))
        assert texts[0] == texts[1]


@pytest.mark.parametrize("name", ["adam", "interpreted"])
def test_arrays_are_not_kept_alive(name):
    optimizer = made(name)
    indices, weights, grads, states = given(optimizer, makers()[0])
    before = [sys.getrefcount(array) for array in (*weights, *grads)]
    optimizer._check(indices, weights, grads, states)
    gc.collect()
    assert [sys.getrefcount(array) for array in (*weights, *grads)] == before


def test_a_schedule_that_fails_is_found():
    optimizer = mx.optimizer.create("adam")

    def fail(num_update):
        raise RuntimeError(f"no rate at {num_update}")

    optimizer.lr_scheduler = fail
    with pytest.raises(RuntimeError, match="no rate at 1"):
        optimizer._check(*given(optimizer, makers()[0]))
