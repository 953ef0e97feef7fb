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
