"""Sums of squares in an order that depends neither on threads nor on devices."""

from libc.stddef cimport ptrdiff_t

from .parallel cimport parallel_for

cdef enum:
    CHUNK = 4096  # elements with a sum of their own
    LANES = 16  # running sums inside a chunk, element i in number i % LANES

#: The same for Python.
ELEMENTS_OF_A_CHUNK = CHUNK
LANES_OF_A_CHUNK = LANES

ctypedef fused real:
    float
    double

cdef struct Work:
    const void *values
    int wide
    ptrdiff_t count
    double *sums


cdef double chunk_sum(const real *values, ptrdiff_t count) noexcept nogil:
    cdef double lanes[LANES]
    cdef double value
    cdef ptrdiff_t row, whole = count - count % LANES
    cdef int lane, width = LANES
    for lane in range(LANES):
        lanes[lane] = 0.0
    for row in range(count // LANES):
        for lane in range(LANES):
            value = values[row * LANES + lane]
            lanes[lane] += value * value
    for lane in range(count - whole):
        value = values[whole + lane]
        lanes[lane] += value * value
    while width > 1:
        width //= 2
        for lane in range(width):
            lanes[lane] += lanes[lane + width]
    return lanes[0]


cdef void sum_chunks(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil:
    cdef Work *work = <Work *>context
    cdef ptrdiff_t chunk, first, count
    for chunk in range(begin, end):
        first = chunk * CHUNK
        count = min(<ptrdiff_t>CHUNK, work.count - first)
        if work.wide:
            work.sums[chunk] = chunk_sum(<const double *>work.values + first, count)
        else:
            work.sums[chunk] = chunk_sum(<const float *>work.values + first, count)


def square_sums(const real[::1] values, double[::1] sums, int threads):
    """Set each element of `sums` to the sum of squares of one chunk of `values`, in double.

    Parameters
    ----------
    values : array
        One dimension, float32 or float64, contiguous.
    sums : numpy.ndarray
        float64, one element for each `ELEMENTS_OF_A_CHUNK` of `values`, the last may be partial.
    threads : int
        How many threads may share the work; the sums do not depend on it.
    """
    cdef Work work
    if sums.shape[0] != (values.shape[0] + CHUNK - 1) // CHUNK:
        raise ValueError(f"sums: expected one for each {CHUNK} values, got {sums.shape[0]}")
    if values.shape[0] == 0:
        return
    work.values = &values[0]
    work.wide = real is double
    work.count = values.shape[0]
    work.sums = &sums[0]
    with nogil:
        parallel_for(sum_chunks, &work, sums.shape[0], 4, threads)
