"""Norms of several arrays, and clipping by them."""

import math
import tracemalloc

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
    sizes = (3, 200_001, 70_000)
    arrays = [rng.normal(size=size).astype(dtype) for size in sizes for dtype in DTYPES]
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


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
def test_memory_that_is_given_twice_is_scaled_once(dtype):
    """It counts in the norm as often as it is given."""
    grad, other = np.array([[3.0, 4.0]]).astype(dtype), np.ones(3, dtype)
    grads = [grad, other, grad.reshape(2), grad]
    before = mx.optimizer.global_norm(grads)
    assert before == pytest.approx(math.sqrt(78))
    factor = dtype(1.0 / before) if dtype is np.float64 else np.float32(1.0 / before)
    expected = (np.array([[3.0, 4.0]]).astype(type(factor)) * factor).astype(dtype)
    assert mx.optimizer.clip_global_norm(grads, 1.0) == before
    np.testing.assert_array_equal(grad, expected)
    assert mx.optimizer.global_norm(grads) == pytest.approx(1.0, rel=1e-2)


def test_memory_that_is_shared_in_part_is_refused():
    whole = np.full(8, 2.0)
    for parts in (
        [whole[:5], whole[4:]],
        [whole, whole[2:4]],
        [whole[2:4], np.ones(3), whole],
        [whole, whole[:4]],
        [whole, whole.view(np.float32)],
    ):
        match = "arrays: expected arrays apart, or the same, got two that share a part of their"
        with pytest.raises(ValueError, match=match):
            mx.optimizer.clip_global_norm(parts, 1.0)
        assert (whole == 2).all()
    assert mx.optimizer.global_norm([whole, whole[2:4]]) == math.sqrt(40)
    assert mx.optimizer.clip_global_norm([whole[:4], whole[4:], whole[:0]], 1.0) == math.sqrt(32)


def test_an_error_at_the_last_array_leaves_all_as_they_were():
    frozen = np.ones(3)
    frozen.flags.writeable = False
    whole = np.ones(4)
    for last in (frozen, np.ones(6)[::2], np.ones(3, int), [1.0], np.full(3, np.nan), whole[1:]):
        grads = [np.full(3, 5.0), np.full(3, 5, np.float16), whole, last]
        with pytest.raises((TypeError, ValueError), match=r"arrays|norm"):
            mx.optimizer.clip_global_norm(grads, 1.0)
        assert all((grad == 5).all() for grad in grads[:2])


@pytest.mark.parametrize("size", [1e155, 1e-170, 1e-310, 1e308])
def test_norms_and_clipping_at_the_ends_of_the_range(size):
    grads = [np.array([0.6 * size]), np.array([0.0, -0.8 * size]), np.zeros(2, np.float32)]
    assert mx.optimizer.global_norm(grads) == pytest.approx(size, rel=1e-14, abs=1e-323)
    assert mx.optimizer.global_norm(grads[:1]) == 0.6 * size
    norm = mx.optimizer.clip_global_norm(grads, size / 4)
    assert norm == pytest.approx(size, rel=1e-14, abs=1e-323)
    assert mx.optimizer.global_norm(grads) == pytest.approx(size / 4, rel=1e-12, abs=1e-322)


@pytest.mark.parametrize("max_norm", [1.0, 1e-300])
def test_large_norms_are_clipped_to_small_ones(max_norm):
    """The factor alone would be below the normal numbers of its type."""
    grads = [np.full(4, 5e307)]
    mx.optimizer.clip_global_norm(grads, max_norm)
    np.testing.assert_allclose(grads[0], max_norm / 2, rtol=1e-12)
    if max_norm == 1.0:
        grads = [np.full(10_000, 3e38, np.float32), np.full(3, 2.0)]
        mx.optimizer.clip_global_norm(grads, max_norm)
        np.testing.assert_allclose(grads[0], max_norm / 100, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES[:2], ids=lambda dtype: dtype.__name__)
def test_norms_of_16_bits_take_no_room(dtype):
    grad = np.ones(1 << 20, dtype)
    tracemalloc.start()
    try:
        assert mx.optimizer.global_norm([grad]) == 1024.0
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_a_list_that_changes_meanwhile_is_taken_as_it_was():
    values = np.full(3, 4.0)

    class Emptying:
        def __dlpack__(self, **given):
            grads.clear()
            return values.__dlpack__(**given)

        def __dlpack_device__(self):
            return 1, 0

        def __array__(self, dtype=None, copy=None):
            return values

    last = np.full(2, 1.0)
    grads = [Emptying(), last]
    assert mx.optimizer.clip_global_norm(grads, 1.0) == math.sqrt(50)
    assert values[0] == 4.0 * (1.0 / math.sqrt(50))
    assert last[0] == 1.0 * (1.0 / math.sqrt(50))
