"""Filling with random numbers: equal to NumPy's or to a reference, bit for bit."""

import numpy as np
import pytest
import random_reference
from scipy import special

from weightopt_core.kernels import random_fill as kernel

KEYS = [(0, 0), (1, 2), (2**64 - 1, 2**63), (0x9E3779B97F4A7C15, 5)]
WORD = {np.dtype(np.float32): np.dtype(np.uint32), np.dtype(np.float64): np.dtype(np.uint64)}
#: No element, one, around one block of either type, several buffers, several threads.
LENGTHS = [0, 1, 3, 4, 5, 7, 8, 9, 10007, 3 * kernel.THREAD_THRESHOLD + 5]
#: Largest error of any float32 word, measured over all. For float64 that of 400,000 words, measured
#: against 40 digits, is 7.2e-16 of the value; the rest is for SciPy's error, and for p near 1/2.
ERROR = {
    np.dtype(np.float32): {"atol": 1.45e-6, "rtol": 0},
    np.dtype(np.float64): {"atol": 1.5e-15, "rtol": 1.5e-15},
}


def philox(key):
    return np.random.Philox(key=np.array(key, np.uint64))


def numpy_uniform(key, start, size, dtype):
    """Return a part of NumPy's stream, which can skip whole blocks alone."""
    blocks, rest = divmod(start, 32 // dtype.itemsize)
    return np.random.Generator(philox(key).advance(blocks)).random(rest + size, dtype)[rest:]


def uniform(key, start, size, dtype, low=0.0, high=1.0, threads=2):
    out = np.full(size, np.nan, dtype)
    kernel.fill_uniform(out, *key, start, low, high, -np.inf, np.inf, threads)
    return out


def normal(key, start, size, dtype, mean=0.0, sigma=1.0, threads=2):
    out = np.full(size, np.nan, dtype)
    kernel.fill_normal(out, *key, start, mean, sigma, threads)
    return out


def normal_of(words, dtype):
    out = np.empty(words.shape, dtype)
    kernel.convert_normal(words.view(np.uint64), out)
    return out


def reference(words, dtype):
    return getattr(random_reference, f"normal_{dtype}")(words)


@pytest.fixture
def words(dtype, rng):
    """Return words of the lower half: of all sizes, and around the ends of each branch."""
    bits = 8 * dtype.itemsize
    spread = rng.integers(0, 2 ** (bits - 1), 100_000, WORD[dtype])
    spread >>= (np.arange(100_000) % bits).astype(WORD[dtype])
    ends = [0, np.exp(-25.0), 0.0625, 0.075, 0.5**1.5, 0.5]
    around = [int(end * 2**bits) + i * 2**j for end in ends for j in (0, 7) for i in range(-50, 51)]
    inside = [word for word in around if 0 <= word < 2 ** (bits - 1)]
    return np.concatenate([spread, np.array(inside[: len(inside) // 2 * 2], WORD[dtype])])


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("start", [0, 1, 4, 7, 8, 1021, 2**40 + 3, 2**62 + 5])
def test_uniform_equals_numpy(key, start, dtype):
    for size in LENGTHS:
        assert (uniform(key, start, size, dtype) == numpy_uniform(key, start, size, dtype)).all()


def test_uniform_in_an_interval(dtype):
    low, width = dtype.type(-0.3), dtype.type(0.1 - -0.3)
    expected = low + width * numpy_uniform(KEYS[1], 0, 10007, dtype)
    assert (uniform(KEYS[1], 0, 10007, dtype, -0.3, 0.1) == expected).all()


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("start", [0, 3, 1021])
def test_normal_equals_the_reference(key, start, dtype):
    size = LENGTHS[-1]
    drawn = philox(key).random_raw(start + size).view(WORD[dtype])[start : start + size]
    expected = reference(drawn, dtype)
    assert (normal(key, start, size, dtype) == expected).all()
    mean, sigma = dtype.type(0.7), dtype.type(1 / 3)
    assert (normal(key, start, size, dtype, 0.7, 1 / 3) == mean + sigma * expected).all()


def test_normal_of_any_word(words, dtype):
    values = normal_of(words, dtype)
    assert np.isfinite(values).all()
    assert (values < 0).all()
    assert (values == reference(words, dtype)).all()
    assert (normal_of(~words, dtype) == -values).all()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5])
def test_normal_where_all_words_are_of_one_branch(share, dtype):
    words = np.full(1026, int(share * 2.0 ** (8 * dtype.itemsize)), WORD[dtype])
    assert (normal_of(words, dtype) == reference(words, dtype)).all()


@pytest.mark.parametrize("start", [0, 1, 3, 7])
def test_normal_of_any_count_and_no_further(start, dtype):
    whole = normal(KEYS[1], 0, 1100, dtype)
    for size in [*range(20), *range(250, 260), *range(505, 515), 1023, 1024, 1025]:
        out = np.full(size + 9, np.nan, dtype)
        kernel.fill_normal(out[:size], *KEYS[1], start, 0.0, 1.0, 1)
        assert (out[:size] == whole[start : start + size]).all()
        assert np.isnan(out[size:]).all()


def test_normal_is_the_inverse_distribution_function(words, dtype):
    p = (words.astype(np.float64) + 0.5) * 0.5 ** (8 * dtype.itemsize)
    values = normal_of(words, dtype).astype(np.float64)
    np.testing.assert_allclose(values, special.ndtri(p), **ERROR[dtype])


@pytest.mark.parametrize("fill", [uniform, normal])
def test_threads_and_parts_give_equal_bits(fill, dtype):
    size = LENGTHS[-1]
    whole = fill(KEYS[1], 5, size, dtype, threads=1)
    for threads in (2, 7):
        assert (fill(KEYS[1], 5, size, dtype, threads=threads) == whole).all()
    for part in (1, 6, 16384, size - 3):
        assert (fill(KEYS[1], 5 + part, size - part, dtype) == whole[part:]).all()


def test_moments(dtype):
    size = 1_000_000
    u = uniform(KEYS[1], 0, size, dtype).astype(np.float64)
    z = normal(KEYS[1], 0, size, dtype).astype(np.float64)
    moments = [  # with mean and variance, and twice the covariance of neighbours
        (u, 1 / 2, 1 / 12),
        ((u - 0.5) ** 2, 1 / 12, 1 / 180),
        (u[1:] * u[:-1], 1 / 4, 13 / 144),
        (z, 0, 1),
        (z**2, 1, 2),
        (z**3, 0, 15),
        (z**4, 3, 96),
        (z[1:] * z[:-1], 0, 1),
    ]
    for values, mean, variance in moments:
        assert abs(values.mean() - mean) < 5 * np.sqrt(variance / size)


@pytest.mark.parametrize(("fill", "distribution"), [(uniform, np.asarray), (normal, special.ndtr)])
def test_distribution(fill, distribution, dtype):
    size = 10_000_000
    expected = distribution(np.sort(fill(KEYS[2], 0, size, dtype)).astype(np.float64))
    steps = np.arange(size + 1) / size
    distance = max((expected - steps[:-1]).max(), (steps[1:] - expected).max())
    assert distance < 1.63 / np.sqrt(size)  # Kolmogorov and Smirnov's bound at 1 %


@pytest.mark.parametrize("key", [(1,), (1, 2, 3), (-1, 0), (2**64, 0), 5])
def test_refuses_a_key(key):
    with pytest.raises((ValueError, OverflowError, TypeError)):
        uniform(key, 0, 4, np.float32)


def test_refuses_a_start_below_0():
    with pytest.raises(OverflowError):
        normal(KEYS[0], -1, 4, np.float32)


def test_converts_equal_lengths_alone():
    with pytest.raises(ValueError, match="expected 4 elements, got 3"):
        kernel.convert_normal(np.zeros(2, np.uint64), np.zeros(3, np.float32))
