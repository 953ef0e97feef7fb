"""SGLD: its step, and the noise that belongs to a weight and its count."""

import inspect

import numpy as np
import pytest

import weightopt_core as mx


def stepped(size=1000, steps=1, index=0, dtype=np.float64, **given):
    sgld = mx.optimizer.create("sgld", **({"seed": 3} | given))
    weight = np.zeros(size, dtype)
    for _ in range(steps):
        sgld.update(index, weight, np.zeros(size, dtype), None)
    return weight


def test_signature():
    assert str(inspect.signature(mx.optimizer.SGLD)) == "(**kwargs)"


def test_the_step_is_half_a_gradient_step_and_the_noise():
    sgld = mx.optimizer.create(
        "sgld", learning_rate=0.04, wd=0.5, clip_gradient=1.0, rescale_grad=2.0, seed=3
    )
    weight, grad = np.full(1000, 3.0), np.linspace(-2, 2, 1000)
    noise = stepped(learning_rate=0.04) / 0.2
    sgld.update(0, weight, grad, None)
    expected = 3.0 - 0.02 * (np.clip(2 * grad, -1, 1) + 0.5 * 3.0) + 0.2 * noise
    np.testing.assert_allclose(weight, expected, rtol=1e-14)  # the noise was divided by 0.2 above


@pytest.mark.parametrize("lr", [0.01, 0.04])
def test_moments(lr):
    size = 400_000
    noise = stepped(size, learning_rate=lr, dtype=np.float32).astype(np.float64)
    # Five standard errors of each moment of normal numbers.
    assert abs(noise.mean()) < 5 * np.sqrt(lr / size)
    assert abs(noise.var() - lr) < 5 * lr * np.sqrt(2 / size)
    assert abs((noise**3).mean() / lr**1.5) < 5 * np.sqrt(15 / size)
    assert abs((noise**4).mean() / lr**2 - 3) < 5 * np.sqrt(96 / size)
    assert abs((noise[1:] * noise[:-1]).mean() / lr) < 5 / np.sqrt(size)


def test_every_step_and_parameter_draws_anew():
    first, second = stepped(steps=1), stepped(steps=2) - stepped(steps=1)
    other = stepped(index=1)
    for x, y in ((first, second), (first, other), (second, other)):
        assert abs(np.corrcoef(x, y)[0, 1]) < 5 / np.sqrt(1000)


def test_multipliers_scale_the_variance():
    sgld = mx.optimizer.create("sgld", learning_rate=0.01, seed=3)
    sgld.set_lr_mult({0: 4.0})
    weight = np.zeros(1000)
    sgld.update(0, weight, np.zeros(1000), None)
    np.testing.assert_allclose(weight, 2 * stepped(learning_rate=0.01), rtol=1e-14)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_do_not_matter(threads):
    expected = stepped(100_003)
    mx.set_num_threads(threads)
    try:
        np.testing.assert_array_equal(stepped(100_003), expected)
    finally:
        mx.set_num_threads(None)


def test_the_global_seed_decides_without_one_of_its_own():
    results = []
    for seed in (1, 1, 2):
        mx.random.seed(seed)
        results.append(stepped(seed=None))
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()


def test_a_resumed_run_goes_on_with_the_same_noise():
    mx.random.seed(5)
    whole = mx.optimizer.get_updater(mx.optimizer.create("sgld"))
    weight = np.zeros(10)
    whole("w", np.zeros(10), weight)
    mx.random.seed(6)
    other = mx.optimizer.get_updater(mx.optimizer.create("sgld"))
    other.set_states(whole.get_states())
    copy = weight.copy()
    whole("w", np.zeros(10), weight)
    other("w", np.zeros(10), copy)
    np.testing.assert_array_equal(weight, copy)
