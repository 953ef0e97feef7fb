"""Fill arrays with random numbers: element `i` depends on the key and on `i` alone.

Design
------
a) The generator is counter-based: the words of element i follow from the key and from i, in
   ``random.h``, which OpenCL C shares. So parts, threads and devices do not show, and a fill may
   begin anywhere in a stream.
b) ``random_fill.h`` makes words by the buffer, which stays in the cache, and converts them by loops
   that are compiled for several instruction sets. Here is what calls those.
c) Numbers are rounded once to the type of the array, whatever was computed before.

A pointer is IN if nothing is written through it, OUT if only that, and INOUT if both.
"""

from libc.math cimport INFINITY
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from .parallel cimport parallel_for

cdef extern from "random_fill.h" nogil:
    enum: WORDS
    ctypedef union weightopt_words:
        uint64_t *whole
    ctypedef struct weightopt_range:
        double shift
        double scale
        double bottom
        double top
    # OUT out; IN words, range
    ctypedef void (*weightopt_convert)(
        void *out, const weightopt_words *words, ptrdiff_t skip, ptrdiff_t count,
        const weightopt_range *range
    ) noexcept
    ctypedef struct weightopt_draw:
        char *out
        ptrdiff_t itemsize
        weightopt_convert convert
        uint64_t key0
        uint64_t key1
        uint64_t start
        weightopt_range range
    weightopt_convert uniform_float32_loop
    weightopt_convert uniform_float64_loop
    weightopt_convert normal_float32_loop
    weightopt_convert normal_float64_loop
    void weightopt_fill(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept

cdef enum:
    GRAIN = 16384  # elements in one task of the pool

#: Below this many elements a fill stays on the calling thread.
THREAD_THRESHOLD = 2 * GRAIN

cdef weightopt_range UNLIMITED = weightopt_range(0.0, 1.0, -INFINITY, INFINITY)


cpdef int fill_uniform(
    real[::1] out, uint64_t key0, uint64_t key1, uint64_t start, double low, double high,
    double bottom, double top, int threads,
) except -1 nogil:
    """Set element `i` of `out` to ``low + (high - low) * u[start + i]``, within bounds.

    Parameters
    ----------
    out : array
        One dimension, float32 or float64, contiguous.
    key0, key1 : int
        In [0, 2**64), the key of the stream `u` of uniform numbers in [0, 1): those of
        ``numpy.random.Generator(numpy.random.Philox(key=[key0, key1])).random(dtype=out.dtype)``.
    start : int
        Where in the stream to begin, at least 0.
    low, high : float
        The ends of the interval. `low` and the difference are rounded once to the type of `out`.
    bottom, top : float
        Least and largest value: what rounding leaves beyond one of them becomes that one.
        Infinities set no bound.
    threads : int
        How many threads may share the work; the values do not depend on it.
    """
    cdef weightopt_range range = weightopt_range(low, high - low, bottom, top)
    fill(out, key0, key1, start, range,
         uniform_float32_loop if real is float else uniform_float64_loop, threads)
    return 0


cpdef int fill_normal(
    real[::1] out, uint64_t key0, uint64_t key1, uint64_t start, double mean, double sigma,
    int threads,
) except -1 nogil:
    """Set element `i` of `out` to ``mean + sigma * z[start + i]``.

    Parameters
    ----------
    out : array
        One dimension, float32 or float64, contiguous.
    key0, key1 : int
        In [0, 2**64), the key of the stream `z` of standard normal numbers that ``random.h``
        defines. They are not those of `numpy.random`.
    start : int
        Where in the stream to begin, at least 0.
    mean, sigma : float
        Rounded once to the type of `out`.
    threads : int
        How many threads may share the work; the values do not depend on it.
    """
    cdef weightopt_range range = weightopt_range(mean, sigma, -INFINITY, INFINITY)
    fill(out, key0, key1, start, range,
         normal_float32_loop if real is float else normal_float64_loop, threads)
    return 0


def convert_normal(const uint64_t[::1] words, real[::1] out):
    """Set `out` to the standard normal numbers made from given words.

    Parameters
    ----------
    words : array
        One dimension, uint64, contiguous.
    out : array
        One dimension, float64 and as long as `words`, or float32 and twice as long.
    """
    cdef weightopt_words buffer
    cdef Py_ssize_t per_word = 8 // sizeof(real), begin, count
    if out.shape[0] != per_word * words.shape[0]:
        raise ValueError(f"out: expected {per_word * words.shape[0]} elements, got {out.shape[0]}")
    for begin in range(0, words.shape[0], WORDS):
        count = min(WORDS, words.shape[0] - begin)
        # Through a copy: the loops take words as 64 bits or as halves of them, by one union.
        memcpy(buffer.whole, &words[begin], count * sizeof(uint64_t))
        if real is float:
            normal_float32_loop(&out[2 * begin], &buffer, 0, 2 * count, &UNLIMITED)
        else:
            normal_float64_loop(&out[begin], &buffer, 0, count, &UNLIMITED)


cdef void fill(
    real[::1] out, uint64_t key0, uint64_t key1, uint64_t start, weightopt_range range,
    weightopt_convert convert, int threads,
) noexcept nogil:
    cdef weightopt_draw draw
    cdef Py_ssize_t count = out.shape[0]
    if count == 0:
        return
    draw.key0 = key0
    draw.key1 = key1
    draw.out = <char *>&out[0]
    draw.itemsize = sizeof(real)
    draw.convert = convert
    draw.start = start
    draw.range = range
    parallel_for(weightopt_fill, &draw, count, GRAIN, threads if count >= 2 * GRAIN else 1)


# OUT out
cdef void draw_normal(
    void *out, ptrdiff_t itemsize, uint64_t key0, uint64_t key1, ptrdiff_t start, ptrdiff_t count
) noexcept nogil:
    """Set `count` elements of `out` to standard normal numbers, from number `start` of a stream."""
    cdef weightopt_draw draw
    draw.out = <char *>out
    draw.itemsize = itemsize
    draw.convert = normal_float64_loop if itemsize == 8 else normal_float32_loop
    draw.key0 = key0
    draw.key1 = key1
    draw.start = start
    draw.range = UNLIMITED
    weightopt_fill(&draw, 0, count)
