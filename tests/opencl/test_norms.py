"""Rules with norms on OpenCL devices: the bits of the host, for one tensor and for many."""

import ml_dtypes
import numpy as np
import pytest
import reducing_rules
from devices import computes, every_device, is_slow, on_device, on_host
from pairs import DTYPES

import weightopt_core as mx
from weightopt_core.backends import backend_of
from weightopt_core.testing.arrays import same_bits

every_rule = pytest.mark.parametrize("rule", reducing_rules.RULES, ids=lambda rule: rule.name)


def optimizer_of(rule, **given):
    return type("Normed", (mx.Optimizer,), {"rule": rule})(wd=0.01, **given)


def arrays(rng, queue):
    """Return several weights or gradients, as far as the device computes with them."""
    sizes = [(3,), (), (0,), (300,)] if is_slow(queue) else [(3,), (), (0,), (5000,), (70, 1001)]
    return [
        np.asarray(rng.normal(size=size), dtype)
        for size in sizes
        for dtype in DTYPES
        if computes(queue, dtype)
    ]


@every_device
@pytest.mark.parametrize(
    ("rule", "master"),
    [
        (reducing_rules.layerwise, False),
        (reducing_rules.limited, True),
        (reducing_rules.once_only, True),
    ],
)
def test_many_tensors_are_as_one_by_one_on_the_host(rule, master, queue):
    runs = []
    for place in (lambda values: values.copy(), lambda values: on_device(queue, values, 3)):
        rng = np.random.default_rng(5)
        updater = mx.optimizer.get_updater(optimizer_of(rule, multi_precision=master))
        weights = [place(values) for values in arrays(rng, queue)]
        for _ in range(3):
            grads = [place(values) for values in arrays(rng, queue)]
            if backend_of(weights[0]).__name__.endswith("cpu"):
                for index in range(len(weights)):
                    updater(index, grads[index], weights[index])
            else:
                updater(list(range(len(weights))), grads, weights)
        runs.append([backend_of(weight).to_host(weight) for weight in weights])
    assert all(same_bits(*both) for both in zip(*runs, strict=True))


def spread(rng, size, dtype):
    """Return finite numbers of every order of magnitude, denormals and zeros among them."""
    values = rng.normal(size=size) * 10.0 ** rng.integers(-46, 38, size)
    with np.errstate(over="ignore"):
        values = values.astype(dtype)
    values[~np.isfinite(values.astype(float))] = 1.0
    return values


def follow(rule, place, values):
    """Return weight and states after two steps over arrays that `place` makes."""
    weight, *grads = map(place, values)
    optimizer = optimizer_of(rule)
    state = optimizer.create_state(0, weight)
    for grad in grads:
        optimizer.update(0, weight, grad, state)
    results = [weight] if state is None else [weight, state]
    return [backend_of(array).to_host(array) for array in results]


@every_device
@every_rule
@pytest.mark.parametrize("size", [1, 256, 257, 4096, 4097, 100_003])
def test_numbers_of_every_size(rule, size, queue, rng):
    if is_slow(queue) and size > 300:
        pytest.skip("the device is slow")
    values = [spread(rng, size, np.float32) for _ in range(3)]
    device = follow(rule, lambda array: on_device(queue, array, 7), values)
    assert all(same_bits(*both) for both in zip(device, follow(rule, np.copy, values), strict=True))


@every_device
def test_special_values(queue, wild):
    values = [wild(300, np.float32) for _ in range(3)]
    rule = reducing_rules.once_only
    device = follow(rule, lambda array: on_device(queue, array), values)
    assert all(same_bits(*both) for both in zip(device, follow(rule, np.copy, values), strict=True))


@every_device
def test_more_tensors_than_one_launch_takes(queue, wild):
    weights = [wild(13 + i, np.float32) for i in range(70)]
    copies = [on_device(queue, weight) for weight in weights]
    one, other = (mx.optimizer.get_updater(optimizer_of(reducing_rules.layerwise)) for _ in "ab")
    for _ in range(2):
        grads = [wild(13 + i, np.float32) for i in range(70)]
        one(list(range(70)), grads, weights)
        other(list(range(70)), [on_device(queue, grad) for grad in grads], copies)
    assert all(same_bits(on_host(c), w) for c, w in zip(copies, weights, strict=True))


@every_device
@every_rule
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32])
def test_devices_without_float64_give_the_same_bits(rule, dtype, queue, monkeypatch, rng):
    """They add the bits of a double by integers, which every device can."""
    launches = pytest.importorskip("weightopt_core.backends.opencl.launches")
    source = pytest.importorskip("weightopt_core.backends.opencl.text.reduction_source")
    traits = launches.traits_of(queue.device)._replace(float64=False)
    storages = ["float32"] * len(rule.lowered.arrays)
    assert "double " not in source.measure_text(rule, storages, traits, "float32", 4)
    monkeypatch.setattr(launches, "traits_of", lambda device: traits)
    for _ in range(1 if is_slow(queue) else 10):
        values = [spread(rng, 300 if is_slow(queue) else 9000, dtype) for _ in range(3)]
        device = follow(rule, lambda array: on_device(queue, array, 1), values)
        host = follow(rule, np.copy, values)
        assert all(same_bits(*both) for both in zip(device, host, strict=True))


@every_device
@pytest.mark.parametrize("value", [np.inf, np.nan, 3e38, 1e-45, 0.0])
def test_norms_at_the_ends_of_the_range_without_float64(value, queue, monkeypatch):
    launches = pytest.importorskip("weightopt_core.backends.opencl.launches")
    traits = launches.traits_of(queue.device)._replace(float64=False)
    monkeypatch.setattr(launches, "traits_of", lambda device: traits)
    values = [np.full(30, value, np.float32) for _ in range(3)]
    values[0][:7] = 1.5
    device = follow(reducing_rules.once_only, lambda array: on_device(queue, array, 1), values)
    host = follow(reducing_rules.once_only, np.copy, values)
    assert all(same_bits(*both) for both in zip(device, host, strict=True))


@every_device
def test_a_number_that_cannot_be_formed_changes_nothing(queue):
    optimizer = optimizer_of(reducing_rules.limited)
    weights = [on_device(queue, np.ones(n, np.float32)) for n in (3, 4)]
    states = [optimizer.create_state(i, weight) for i, weight in enumerate(weights)]
    grads = [on_device(queue, np.full(n, np.nan, np.float32)) for n in (3, 4)]
    with pytest.raises(ValueError, match="bound of clip: expected None or a number > 0, got nan"):
        optimizer.update([0, 1], weights, grads, states)
    assert all((on_host(weight) == 1).all() for weight in weights)
    assert optimizer._index_update_count == {}


@every_device
def test_a_third_step_that_fails_changes_nothing(queue):
    optimizer = optimizer_of(reducing_rules.limited)
    values = np.linspace(1, 2, 8, dtype=np.float32)
    weights, grads = ([on_device(queue, values * n) for n in (1, 2)] for _ in range(2))
    given = [0, 1], weights, grads, [None, None]
    for _ in range(2):
        optimizer.update(*given)
    before = [on_host(weight) for weight in weights]
    numbers_at = optimizer._numbers_at

    def fails(rule, index, turn):
        if index == 1:
            raise RuntimeError("no number")
        return numbers_at(rule, index, turn)

    vars(optimizer)["_numbers_at"] = fails
    with pytest.raises(RuntimeError, match="no number"):
        optimizer.update(*given)
    for weight, kept in zip(weights, before, strict=True):
        np.testing.assert_array_equal(on_host(weight), kept)
    assert optimizer._index_update_count == {0: 2, 1: 2}
    assert optimizer.num_update == 2


@every_device
@every_rule
@pytest.mark.parametrize("size", [1e160, 1e-170, 1e300, 1e-310])
def test_the_ends_of_the_range(rule, size, queue):
    """Each norm of each tensor is measured again by itself."""
    if not computes(queue, np.float64):
        pytest.skip("the device has no float64")
    sizes = (20, 30, 7) if is_slow(queue) else (5000, 300, 7)
    runs = []
    for place in (np.copy, lambda values: on_device(queue, values, 3)):
        rng = np.random.default_rng(5)
        updater = mx.optimizer.get_updater(optimizer_of(rule))
        factors = (1, size, 1)
        weights = [place(rng.normal(size=n) * f) for n, f in zip(sizes, factors, strict=True)]
        for _ in range(2):
            factors = (size, 1, 1)
            grads = [place(rng.normal(size=n) * f) for n, f in zip(sizes, factors, strict=True)]
            updater([0, 1, 2], grads, weights)
        runs.append([backend_of(weight).to_host(weight) for weight in weights])
    assert all(same_bits(*both) for both in zip(*runs, strict=True))
    assert all(np.isfinite(weight).all() for weight in runs[0])
