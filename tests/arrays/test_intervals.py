"""Uniform numbers are in ``[low, high)`` as they are stored, and are otherwise what was drawn."""

import math

import ml_dtypes
import numpy as np
import pytest
from devices import computes, every_device, is_slow, on_device, on_host

import weightopt_core as mx
from weightopt_core.backends import cpu
from weightopt_core.backends.intervals import bounds
from weightopt_core.dtypes import compute_of

DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
INTERVALS = [(-0.07, 0.07), (0.0, 1.0), (-1.0, 0.1), (3.0, 3.01), (0.1, 60_000.0), (-1e-7, 1e-7)]
KEY = (5, 6)


def drawn(dtype, size, low, high):
    """Return the numbers as they are drawn, before they are stored."""
    compute = compute_of(np.dtype(dtype).name)
    stream = np.random.Generator(np.random.Philox(key=KEY)).random(size, compute)
    return compute.type(low) + compute.type(high - low) * stream


@each_dtype
@pytest.mark.parametrize(("low", "high"), INTERVALS)
def test_all_are_within_and_the_rest_as_drawn(dtype, low, high):
    got = np.empty(1 << 17, dtype)
    cpu.fill_uniform(got, KEY, low, high)
    wide = got.astype(np.float64)
    assert (wide >= low).all()
    assert (wide < high).all()
    before = drawn(dtype, got.size, low, high).astype(dtype)
    inside = (before.astype(np.float64) >= low) & (before.astype(np.float64) < high)
    np.testing.assert_array_equal(got[inside], before[inside])
    assert set(got[~inside].tolist()) <= set(bounds(low, high, np.dtype(dtype)))


@each_dtype
def test_ends_that_are_one_step_apart(dtype):
    """Half of the numbers would be rounded to the upper end."""
    one, two = np.ones(1, dtype), np.nextafter(np.ones(1, dtype), dtype(2))
    got = np.zeros(999, dtype)
    cpu.fill_uniform(got, KEY, float(one[0]), float(two[0]))
    assert (got == 1).all()


@each_dtype
def test_an_interval_without_a_number_of_the_type(dtype):
    got = np.zeros(9, dtype)
    for low, high in ((0.5, 0.5), (1 + 1e-17, 1 + 1e-17)):
        cpu.fill_uniform(got, KEY, low, high)
        assert (got == dtype(low)).all()


def test_bounds_of_a_type():
    half = np.dtype(np.float16)
    assert bounds(-1.0, 1.0, half) == (-1.0, 1.0 - 2.0**-11)
    assert bounds(0.1, 0.2, half) == (0.10003662109375, 0.199951171875)
    assert bounds(-1e-9, 1e-9, half) == (0.0, 0.0)
    assert math.copysign(1.0, bounds(0.0, 1.0, half)[0]) == 1.0
    assert bounds(0.0, 1.0, np.dtype(np.float32)) == (0.0, 1.0 - 2.0**-24)
    assert bounds(0.1, 0.2, np.dtype(np.float64)) == (0.1, math.nextafter(0.2, 0.0))
    brain = np.dtype(ml_dtypes.bfloat16)
    assert bounds(-1.0, 1.0, brain) == (-1.0, 1.0 - 2.0**-8)


def test_ends_that_the_type_cannot_hold():
    weight = np.zeros(9, np.float16)
    with pytest.raises(ValueError, match=r"ends of the interval: expected what float16 h"):
        mx.init.Uniform(1e5)("fc_weight", weight)
    with pytest.raises(ValueError, match=r"ends of the interval: expected what float32 h"):
        mx.init.Uniform(1e39)("fc_weight", np.zeros(3, np.float32))
    for dtype, scale in ((np.float32, 3e38), (np.float64, 1.5e308)):
        with pytest.raises(ValueError, match="width of the interval: expected what"):
            mx.init.Uniform(scale)("fc_weight", np.zeros(3, dtype))
    assert (weight == 0).all()


@pytest.mark.parametrize("name", ["uniform", "xavier"])
@each_dtype
def test_initializers_keep_the_promise(name, dtype):
    weight = np.zeros((256, 1024), dtype)
    mx.init.create(name, seed=1)("fc_weight", weight)
    scale = 0.07 if name == "uniform" else math.sqrt(3.0 / ((256 + 1024) / 2))
    values = weight.astype(np.float64)
    assert (values >= -scale).all()
    assert (values < scale).all()


@pytest.mark.parametrize("dtype", DTYPES[:2], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("kind", ["fill_uniform", "fill_normal"])
def test_a_large_16_bit_array_is_one_stream(dtype, kind):
    """It is drawn a part at a time, and each part begins where the one before it ended."""
    got, single = (np.empty((1 << 20) + 77, made) for made in (dtype, np.float32))
    for array in (got, single):
        getattr(cpu, kind)(array, KEY, 0.0, 2.0)
    if kind == "fill_uniform":
        single = np.minimum(single, np.float32(bounds(0.0, 2.0, np.dtype(dtype))[1]))
    np.testing.assert_array_equal(got, single.astype(dtype))


@every_device
@each_dtype
@pytest.mark.parametrize(("low", "high"), INTERVALS)
def test_devices_draw_the_bits_of_the_host(queue, dtype, low, high):
    if not computes(queue, dtype):
        pytest.skip("the device does not compute with this type")
    host = np.zeros(300 if is_slow(queue) else 70_001, dtype)
    device = on_device(queue, host, offset=3)
    mx.backends.backend_of(device).fill_uniform(device, KEY, low, high)
    cpu.fill_uniform(host, KEY, low, high)
    assert (on_host(device).view(np.uint8) == host.view(np.uint8)).all()
