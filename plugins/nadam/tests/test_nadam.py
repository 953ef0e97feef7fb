import inspect

import numpy as np
import pytest
from weightopt_nadam import Nadam, momentum, momentum_product

import weightopt_core as mx

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_signature_is_the_pages():
    assert str(inspect.signature(Nadam)) == (
        "(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, schedule_decay=0.004, "
        "**kwargs)"
    )


BAD = {
    "learning_rate": (-1, None),
    "beta1": (1, -0.1),
    "beta2": (1, -0.1),
    "epsilon": (0, -1),
    "schedule_decay": (-1, float("inf")),
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_values_out_of_range(name, value):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected a number in .*, got "):
        Nadam(**{name: value})


@each_dtype
def test_against_sums_over_all_gradients(dtype):
    lr, b1, b2, epsilon, decay = 0.1, 0.8, 0.95, 1e-3, 0.1
    wd, scale, bound = 0.01, 0.5, 0.6
    grads = np.random.default_rng(0).normal(size=(8, 5))
    nadam = Nadam(lr, b1, b2, epsilon, decay, wd=wd, rescale_grad=scale, clip_gradient=bound)
    weight = np.linspace(-1, 1, 5).astype(dtype)
    state = nadam.create_state(0, weight)
    mus = b1 * (1 - 0.5 * 0.96 ** (decay * np.arange(1, 10)))
    seen = []
    for t, grad in enumerate(grads, start=1):
        before = weight.astype(float)
        seen.append(np.clip(scale * grad + wd * before, -bound, bound))
        nadam.update(0, weight, grad.astype(dtype), state)
        ages = np.arange(t - 1, -1, -1.0)[:, None]
        mean = ((1 - b1) * b1**ages * seen).sum(0)
        var = ((1 - b2) * b2**ages * np.square(seen)).sum(0) / (1 - b2**t)
        ahead = mus[t] * mean / (1 - np.prod(mus[: t + 1]))
        ahead += (1 - mus[t - 1]) * seen[-1] / (1 - np.prod(mus[:t]))
        expected = before - lr * ahead / (np.sqrt(var) + epsilon)
        np.testing.assert_allclose(weight, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("beta1", "decay"), [(0.9, 0.004), (0.999, 0), (0.5, 3), (0, 1)])
def test_product_of_momentums(beta1, decay):
    for t in (1, 2, 7, 30):
        product = np.prod([momentum(i, beta1, decay) for i in range(1, t + 1)])
        assert momentum_product(t, beta1, decay) == pytest.approx(product, rel=1e-12)
    for t in (10**3, 10**9):
        assert 1 - momentum_product(t, beta1, decay) == 1.0


def run(updater, weights, grads):
    for grad in grads:
        for index, weight in weights.items():
            updater(index, grad.astype(weight.dtype), weight)


@each_dtype
@pytest.mark.parametrize("saved_after", [0, 1, 5])
def test_a_resumed_run_is_as_an_uninterrupted_one(saved_after, dtype):
    grads = np.random.default_rng(0).normal(size=(9, 4))
    weights = {index: np.ones(4, dtype) for index in (0, 1, "two")}
    updater = mx.optimizer.get_updater(Nadam(0.1))
    run(updater, weights, grads[:saved_after])
    resumed = {index: weight.copy() for index, weight in weights.items()}
    twin = mx.optimizer.get_updater(Nadam(0.1))
    twin.set_states(updater.get_states())
    run(updater, weights, grads[saved_after:])
    run(twin, resumed, grads[saved_after:])
    for index, weight in weights.items():
        np.testing.assert_array_equal(weight, resumed[index])


def test_a_weight_does_not_depend_on_others():
    grads = np.random.default_rng(0).normal(size=(9, 4))
    alone, among = {1: np.ones(4)}, {index: np.ones(4) for index in range(3)}
    run(mx.optimizer.get_updater(Nadam(0.1)), alone, grads)
    run(mx.optimizer.get_updater(Nadam(0.1)), among, grads)
    np.testing.assert_array_equal(alone[1], among[1])


def test_begin_num_update_goes_on():
    """As if the updates before had come with a gradient of 0, which leaves mean and var 0."""
    behind, begun = Nadam(0.1), Nadam(0.1, begin_num_update=3)
    weights = [np.ones(2), np.ones(2)]
    states = [nadam.create_state(0, weights[0]) for nadam in (behind, begun)]
    for _ in range(3):
        behind.update(0, weights[0], np.zeros(2), states[0])
    for nadam, weight, state in zip((behind, begun), weights, states, strict=True):
        nadam.update(0, weight, np.ones(2), state)
    np.testing.assert_array_equal(*weights)
