"""Sums of squares in an order that depends neither on threads nor on devices.

Design
------
a) The values are cut into chunks from the beginning of an array, and each gets a sum of its own,
   whoever computes it. `weightopt_core.norms` adds these sums exactly.
b) Within a chunk, element i belongs to running sum i % LANES. Vectors of any width compute that
   order as it stands: a compiler need not, and may not, change it.
c) Squares are summed in double, so that those of float32 are exact and in range.

A pointer is IN if nothing is written through it, OUT if only that, and INOUT if both.
"""

from libc.stddef cimport ptrdiff_t
from libc.string cimport memset

from .driver cimport BFLOAT16, FLOAT16, FLOAT32, FLOAT64, STAGE, is_computed, load, size_of
from .parallel cimport parallel_for

#: The same for Python.
ELEMENTS_OF_A_CHUNK = CHUNK
LANES_OF_A_CHUNK = LANES

cdef struct Work:
    const char *values
    int storage
    ptrdiff_t count
    double scale
    double *sums


ctypedef fused real:
    float
    double


# INOUT sums; IN values
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
    # Less than a row: these are the last elements of the chunk, as if zeros followed.
    for lane in range(count - whole):
        value = values[whole + lane]
        lanes[lane] += value * value
    for lane in range(LANES):
        sums[lane] = lanes[lane]


# INOUT sums; IN values
cdef void add_squares(double *sums, const void *values, int wide, ptrdiff_t count) noexcept nogil:
    if wide:
        add_rows(sums, <const double *>values, count)
    else:
        add_rows(sums, <const float *>values, count)


# INOUT sums; IN values
cdef void add_scaled(
    double *sums, const void *values, int wide, ptrdiff_t count, double scale
) noexcept nogil:
    # In double, for the scale may be beyond float32.
    cdef double scaled[STAGE]
    cdef ptrdiff_t i
    for i in range(count):
        scaled[i] = scale * ((<const double *>values)[i] if wide else (<const float *>values)[i])
    add_rows(sums, scaled, count)


# INOUT lanes: the upper half is added to the lower one until one is left, as vectors do it.
cdef double sum_of_lanes(double *lanes) noexcept nogil:
    cdef int lane, width = LANES
    while width > 1:
        width //= 2
        for lane in range(width):
            lanes[lane] += lanes[lane + width]
    return lanes[0]


# IN work; INOUT lanes
cdef void add_stage(Work *work, double *lanes, ptrdiff_t first, ptrdiff_t count) noexcept nogil:
    """Add squares of at most `STAGE` values; of any number where they are taken as they are."""
    cdef double staged[STAGE]
    cdef const void *values = work.values + first * size_of(work.storage)
    cdef int wide = work.storage == FLOAT64
    if not is_computed(work.storage):
        load(staged, <const char *>values, work.storage, count)
        values = staged
    if work.scale == 1.0:
        add_squares(lanes, values, wide, count)
    else:
        add_scaled(lanes, values, wide, count, work.scale)


# IN context, but for the sums that its Work points to, which are OUT. One thread alone writes that
# of a chunk.
cdef void sum_chunks(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil:
    cdef Work *work = <Work *>context
    cdef double lanes[LANES]
    cdef bint direct = is_computed(work.storage) and work.scale == 1.0
    cdef ptrdiff_t chunk, first, last, step = CHUNK if direct else STAGE
    for chunk in range(begin, end):
        first = chunk * CHUNK
        last = min(first + <ptrdiff_t>CHUNK, work.count)
        memset(lanes, 0, sizeof(lanes))
        while first < last:
            add_stage(work, lanes, first, min(step, last - first))
            first += step
        work.sums[chunk] = sum_of_lanes(lanes)


cpdef int square_sums(
    const element[::1] values, bint brain, double scale, double[::1] sums, int threads
) except -1 nogil:
    """Set each element of `sums` to the sum of squares of one chunk of `values`, in double.

    Parameters
    ----------
    values : array
        One dimension, contiguous: float32, float64, or the bits of 16-bit numbers as uint16.
    brain : bool
        Whether 16-bit numbers are bfloat16; otherwise float16.
    scale : float
        By what the values are multiplied before, in double.
    sums : numpy.ndarray
        float64, one element for each `ELEMENTS_OF_A_CHUNK` of `values`, the last may be partial.
    threads : int
        How many threads may share the work; the sums do not depend on it.

    Raises
    ------
    ValueError
        `sums` has another size; it is unchanged.
    """
    cdef Work work
    if sums.shape[0] != (values.shape[0] + CHUNK - 1) // CHUNK:
        with gil:
            raise ValueError(f"sums: expected one for each {CHUNK} values, got {sums.shape[0]}")
    if values.shape[0] == 0:
        return 0
    work.values = <const char *>&values[0]
    if element is uint16_t:
        work.storage = BFLOAT16 if brain else FLOAT16
    else:
        work.storage = FLOAT64 if element is double else FLOAT32
    work.count = values.shape[0]
    work.scale = scale
    work.sums = &sums[0]
    parallel_for(sum_chunks, &work, sums.shape[0], 4, threads)
    return 0
