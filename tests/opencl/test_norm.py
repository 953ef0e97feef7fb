"""Norms and clipping on OpenCL devices: the bits of the host."""

import ml_dtypes
import numpy as np
import pytest
from devices import computes, every_device, is_slow, on_device

import weightopt_core as mx
from weightopt_core.backends import backend_of

DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]


@every_device
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
def test_equal_the_host(queue, dtype, rng):
    sizes = (0, 1, 100) if is_slow(queue) else (0, 1, 4096, 4097, 100_003)
    host = [rng.normal(size=size).astype(dtype) for size in sizes]
    if not computes(queue, np.float64):
        with pytest.raises(TypeError, match="has no float64"):
            mx.optimizer.global_norm([on_device(queue, host[1])])
        return
    device = [on_device(queue, array, offset=3) for array in host]
    assert mx.optimizer.global_norm(device) == mx.optimizer.global_norm(host)
    assert mx.optimizer.clip_global_norm(device, 0.5) == mx.optimizer.clip_global_norm(host, 0.5)
    for got, expected in zip(device, host, strict=True):
        np.testing.assert_array_equal(backend_of(got).to_host(got), expected)


@pytest.fixture
def wide(queue):
    """Return what makes arrays on a device that computes in double."""
    if not computes(queue, np.float64):
        pytest.skip("the device has no float64")
    return lambda values, offset=3: on_device(queue, values, offset=offset)


@every_device
@pytest.mark.parametrize("size", [1e155, 1e-170, 1e-310, 5e307, 0.0])
def test_norms_at_the_ends_of_the_range(wide, size, rng):
    host = [size * rng.uniform(0.1, 0.9, n) for n in (1, 100, 300)] + [np.ones(3, np.float32) * 0]
    device = [wide(values) for values in host]
    assert mx.optimizer.global_norm(device) == mx.optimizer.global_norm(host)
    assert mx.optimizer.global_norm(device[:1]) == host[0][0]
    if 0 < mx.optimizer.global_norm(host) < np.inf:
        limit = size / 100
        assert mx.optimizer.clip_global_norm(device, limit) == mx.optimizer.clip_global_norm(
            host, limit
        )
    for got, expected in zip(device, host, strict=True):
        np.testing.assert_array_equal(backend_of(got).to_host(got), expected)


@every_device
def test_what_is_not_finite_propagates(wide):
    assert mx.optimizer.global_norm([wide(np.array([1.0, np.inf])), wide(np.ones(2))]) == np.inf
    assert np.isnan(mx.optimizer.global_norm([wide(np.array([1e300, np.nan, np.inf]))]))


@every_device
def test_host_and_device_are_clipped_together(wide):
    """Each memory is scaled once, wherever it is."""
    host, device = np.full(4, 3.0), wide(np.full(4, 4.0))
    grads = [host, device, host.reshape(2, 2), device.reshape(2, 2)]
    norm = mx.optimizer.clip_global_norm(grads, 1.0)
    assert norm == np.sqrt(200)
    np.testing.assert_array_equal(host, 3.0 * (1.0 / norm))
    np.testing.assert_array_equal(backend_of(device).to_host(device), 4.0 * (1.0 / norm))


@every_device
def test_memory_that_is_shared_in_part_is_refused(queue):
    cl = pytest.importorskip("pyopencl")
    array = pytest.importorskip("pyopencl.array")
    buffer = cl.Buffer(queue.context, cl.mem_flags.READ_WRITE, 8192)
    cl.enqueue_copy(queue, buffer, np.full(2048, 2, np.float32))
    given = {
        "a view": array.Array(queue, 512, np.float32, data=buffer, offset=2048),
        "a part of the buffer": array.Array(
            queue, 512, np.float32, data=buffer.get_sub_region(2048, 2048)
        ),
    }
    whole = array.Array(queue, 1024, np.float32, data=buffer)
    before = whole.get()
    for what, part in given.items():
        for grads in ([whole, part], [part, whole]):
            with pytest.raises((ValueError, TypeError), match=r"arrays: .*a part|has no float64"):
                mx.optimizer.clip_global_norm(grads, 0.001)
            np.testing.assert_array_equal(whole.get(), before, err_msg=what)
    if computes(queue, np.float64):
        mx.optimizer.clip_global_norm(list(given.values()), 1.0)
        expected = np.float32(2.0) * np.float32(1.0 / np.sqrt(4096))
        np.testing.assert_array_equal(whole.get()[512:], expected)
        np.testing.assert_array_equal(whole.get()[:512], before[:512])
