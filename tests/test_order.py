"""Every installed optimizer: neither the order of parameters nor the way of calling matters."""

import numpy as np
import pytest

import weightopt_core as mx

SHAPES = {0: (7,), 1: (3, 5), "head_weight": (4, 3, 2, 2), 9: (1,)}
STEPS = 8
ORDERS = {
    "reversed": lambda indices, t: indices[::-1],
    "another in each pass": lambda indices, t: indices[t % 4 :] + indices[: t % 4],
}


def by_optimizer(optimizer, weights):
    states = {index: optimizer.create_state(index, weights[index]) for index in weights}
    return lambda index, grad: optimizer.update(index, weights[index], grad, states[index])


def by_updater(optimizer, weights):
    updater = mx.optimizer.get_updater(optimizer)
    return lambda index, grad: updater(index, grad, weights[index])


def stepped(name, dtype, call=by_optimizer, order=lambda indices, t: indices):
    """Return the weights by index after some passes, with a rate that changes on the way."""
    mx.random.seed(0)
    rng = np.random.default_rng(1)
    weights = {index: rng.normal(size=shape).astype(dtype) for index, shape in SHAPES.items()}
    schedule = mx.lr_scheduler.create("factor", step=3, factor=0.5)
    optimizer = mx.optimizer.create(name, learning_rate=0.05, wd=0.01, lr_scheduler=schedule)
    step = call(optimizer, weights)
    for t in range(STEPS):
        grads = {index: rng.normal(size=shape).astype(dtype) for index, shape in SHAPES.items()}
        for index in order(list(SHAPES), t):
            step(index, grads[index])
    return weights


def same_bits(name, dtype, **changes):
    plain = stepped(name, dtype)
    for index, weight in stepped(name, dtype, **changes).items():
        assert weight.tobytes() == plain[index].tobytes(), f"parameter {index!r}"


every_optimizer = pytest.mark.parametrize("name", mx.optimizer.registry.names())


@every_optimizer
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_the_order_of_parameters_does_not_matter(name, order, dtype):
    same_bits(name, dtype, order=order)


@every_optimizer
def test_the_updater_is_the_optimizer(name, dtype):
    same_bits(name, dtype, call=by_updater)


@every_optimizer
def test_the_updater_in_another_order(name, dtype):
    same_bits(name, dtype, call=by_updater, order=ORDERS["reversed"])
