"""Sums of squares in an order that depends neither on threads nor on devices."""

from libc.stddef cimport ptrdiff_t
from libc.string cimport memset

from .parallel cimport parallel_for

#: The same for Python.
ELEMENTS_OF_A_CHUNK = CHUNK
LANES_OF_A_CHUNK = LANES

cdef struct Work:
    const void *values
    int wide
    ptrdiff_t count
    double *sums


ctypedef fused real:
    float
    double


cdef void add_rows(double *sums, const real *values, ptrdiff_t count) noexcept nogil:
    # Copied, so that the compiler knows that the values are elsewhere.
    cdef double lanes[LANES]
    cdef double value
    cdef ptrdiff_t row, whole = count - count % LANES
    cdef int lane
    for lane in range(LANES):
        lanes[lane] = sums[lane]
    for row in range(count // LANES):
        for lane in range(LANES):
            value = values[row * LANES + lane]
            lanes[lane] += value * value
    for lane in range(count - whole):
        value = values[whole + lane]
        lanes[lane] += value * value
    for lane in range(LANES):
        sums[lane] = lanes[lane]


cdef void add_squares(double *sums, const void *values, int wide, ptrdiff_t count) noexcept nogil:
    if wide:
        add_rows(sums, <const double *>values, count)
    else:
        add_rows(sums, <const float *>values, count)


cdef double sum_of_lanes(double *lanes) noexcept nogil:
    cdef int lane, width = LANES
    while width > 1:
        width //= 2
        for lane in range(width):
            lanes[lane] += lanes[lane + width]
    return lanes[0]


cdef void sum_chunks(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil:
    cdef Work *work = <Work *>context
    cdef double lanes[LANES]
    cdef ptrdiff_t chunk, first, count, itemsize = 8 if work.wide else 4
    for chunk in range(begin, end):
        first = chunk * CHUNK
        count = min(<ptrdiff_t>CHUNK, work.count - first)
        memset(lanes, 0, sizeof(lanes))
        add_squares(lanes, <const char *>work.values + first * itemsize, work.wide, count)
        work.sums[chunk] = sum_of_lanes(lanes)


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
