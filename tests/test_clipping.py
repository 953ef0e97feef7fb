"""Norms of several arrays, and clipping by them."""

import math

import ml_dtypes
import numpy as np
import pytest

import weightopt_core as mx

DTYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("size", [0, 1, 15, 4096, 4097, 100_003])
def test_norm(dtype, size, rng):
    arrays = [rng.normal(size=size).astype(dtype), rng.normal(size=(3, 5)).astype(dtype)]
    exact = math.sqrt(math.fsum(float(x) ** 2 for array in arrays for x in array.ravel()))
    # Chunks of 4096 squares are summed in double with rounding.
    assert mx.optimizer.global_norm(arrays) == pytest.approx(exact, rel=1e-14)


def test_neither_threads_nor_order_matter(rng):
    arrays = [rng.normal(size=size).astype(np.float32) for size in (3, 200_001, 70_000)]
    norms = set()
    for threads in (1, 2, 7):
        mx.set_num_threads(threads)
        norms |= {mx.optimizer.global_norm(arrays), mx.optimizer.global_norm(arrays[::-1])}
    mx.set_num_threads(None)
    assert len(norms) == 1


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
def test_clipping(dtype, rng):
    grads = [rng.normal(size=30_000).astype(dtype), np.full((2, 2), 3, dtype)]
    before = [grad.copy() for grad in grads]
    norm = mx.optimizer.clip_global_norm(grads, 2.5)
    compute = np.float64 if dtype is np.float64 else np.float32
    for grad, old in zip(grads, before, strict=True):
        expected = (old.astype(compute) * compute(2.5 / norm)).astype(dtype)
        np.testing.assert_array_equal(grad, expected)
    kept = [grad.copy() for grad in grads]
    mx.optimizer.clip_global_norm(grads, 100.0)
    for grad, old in zip(grads, kept, strict=True):
        np.testing.assert_array_equal(grad, old)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_norm_that_is_not_finite_changes_nothing(bad):
    grads = [np.array([3.0, bad]), np.array([4.0])]
    with pytest.raises(ValueError, match=r"norm of the arrays: expected a finite number"):
        mx.optimizer.clip_global_norm(grads, 1.0)
    assert grads[1][0] == 4.0


def test_large_float32_does_not_overflow():
    assert mx.optimizer.global_norm([np.full(4, 1e30, np.float32)]) == pytest.approx(2e30, rel=1e-7)


def test_arguments():
    for wrong in (0, -1, None, "1"):
        with pytest.raises((TypeError, ValueError), match=r"^max_norm: expected"):
            mx.optimizer.clip_global_norm([np.ones(3)], wrong)
    with pytest.raises(TypeError, match=r"arrays: expected a list"):
        mx.optimizer.clip_global_norm(np.ones(3), 1)
    with pytest.raises(ValueError, match=r"arrays\[1\]: expected a C-contiguous"):
        mx.optimizer.clip_global_norm([np.ones(3), np.ones(6)[::2]], 1)
    frozen = np.ones(3)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match=r"arrays\[0\]: expected a writable"):
        mx.optimizer.clip_global_norm([frozen], 1)
    assert mx.optimizer.global_norm([]) == 0.0
