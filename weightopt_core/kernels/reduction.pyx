"""Numbers made of chunks of arrays, in an order that depends neither on threads nor on devices.

Design
------
a) The values are cut into chunks from the beginning of an array, and each gets a number of its own,
   whoever computes it. `weightopt_core.reductions` joins these, and adds sums exactly.
b) Within a chunk, element i belongs to running sum i % LANES. Vectors of any width compute that
   order as it stands: a compiler need not, and may not, change it.
c) All is computed in double, so that the squares of float32 are exact and in range.

A pointer is IN if nothing is written through it, OUT if only that, and INOUT if both.
"""

from libc.stddef cimport ptrdiff_t
from libc.string cimport memset

from .chunks cimport CHUNK, LANES
from .driver cimport BFLOAT16, FLOAT16, FLOAT32, FLOAT64, STAGE, is_computed, load, size_of
from .parallel cimport parallel_for

# IN values; INOUT running
cdef extern from "running.h" nogil:
    void add_squares_float32(double *running, const float *values, ptrdiff_t count)
    void add_squares_float64(double *running, const double *values, ptrdiff_t count)
    void add_values_float32(double *running, const float *values, ptrdiff_t count)
    void add_values_float64(double *running, const double *values, ptrdiff_t count)
    float largest_float32(const float *values, ptrdiff_t count)
    double largest_float64(const double *values, ptrdiff_t count)

#: The same for Python.
ELEMENTS_OF_A_CHUNK = CHUNK
LANES_OF_A_CHUNK = LANES
globals().update(SQUARES=SQUARES, VALUES=VALUES, MAGNITUDES=MAGNITUDES)

cdef inline double joined(int step, double one, double other) noexcept nogil:
    """Return what a step makes of two numbers that it has made: NaN where either is NaN."""
    if step == MAGNITUDES:
        return other if other > one or other != other else one
    return one + other


# INOUT lanes; IN values
cdef void add_values(
    int step, double *lanes, const void *values, int wide, ptrdiff_t count
) noexcept nogil:
    if step == SQUARES and wide:
        add_squares_float64(lanes, <const double *>values, count)
    elif step == SQUARES:
        add_squares_float32(lanes, <const float *>values, count)
    elif step == VALUES and wide:
        add_values_float64(lanes, <const double *>values, count)
    elif step == VALUES:
        add_values_float32(lanes, <const float *>values, count)
    # Of a largest one the order does not show, so the lanes are not needed.
    elif wide:
        lanes[0] = joined(step, lanes[0], largest_float64(<const double *>values, count))
    else:
        lanes[0] = joined(step, lanes[0], largest_float32(<const float *>values, count))


# INOUT lanes; IN values
cdef void add_scaled(
    int step, double *lanes, const void *values, int wide, ptrdiff_t count, double scale
) noexcept nogil:
    # In double, for the scale may be beyond float32.
    cdef double scaled[STAGE]
    cdef ptrdiff_t i
    for i in range(count):
        scaled[i] = scale * ((<const double *>values)[i] if wide else (<const float *>values)[i])
    add_values(step, lanes, scaled, 1, count)


# INOUT lanes: the upper half joins the lower one until one is left, as vectors do it.
cdef double join_lanes(int step, double *lanes) noexcept nogil:
    cdef int lane, width = LANES
    while width > 1:
        width //= 2
        for lane in range(width):
            lanes[lane] = joined(step, lanes[lane], lanes[lane + width])
    return lanes[0]


# IN work; INOUT lanes
cdef void add_stage(Work *work, double *lanes, ptrdiff_t first, ptrdiff_t count) noexcept nogil:
    """Add at most `STAGE` values; any number where they are taken as they are."""
    cdef double staged[STAGE]
    cdef const void *values = work.values + first * size_of(work.storage)
    cdef int wide = work.storage == FLOAT64
    if not is_computed(work.storage):
        load(staged, <const char *>values, work.storage, count)
        values = staged
    if work.scale == 1.0:
        add_values(work.step, lanes, values, wide, count)
    else:
        add_scaled(work.step, lanes, values, wide, count, work.scale)


# IN context, but for the numbers of the chunks that its Work points to, which are OUT. One thread
# alone writes that of a chunk.
cdef void reduce_part(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil:
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
        work.chunks[chunk] = join_lanes(work.step, lanes)


cpdef int reduce_chunks(
    const element[::1] values, bint brain, int step, double scale, double[::1] chunks, int threads
) except -1 nogil:
    """Set each element of `chunks` to what a step makes of one chunk of `values`, in double.

    Parameters
    ----------
    values : array
        One dimension, contiguous: float32, float64, or the bits of 16-bit numbers as uint16.
    brain : bool
        Whether 16-bit numbers are bfloat16; otherwise float16.
    step : int
        `SQUARES` for their sum, `VALUES` for theirs, `MAGNITUDES` for the largest.
    scale : float
        By what the values are multiplied before, in double.
    chunks : numpy.ndarray
        float64, one element for each `ELEMENTS_OF_A_CHUNK` of `values`, the last may be partial.
    threads : int
        How many threads may share the work; the numbers do not depend on it.

    Raises
    ------
    ValueError
        `chunks` has another size, or there is no such step; nothing has changed.
    """
    cdef Work work
    if not 0 <= step < STEPS:
        with gil:
            raise ValueError(f"step: expected 0 to {STEPS - 1}, got {step}")
    if chunks.shape[0] != (values.shape[0] + CHUNK - 1) // CHUNK:
        with gil:
            raise ValueError(f"chunks: expected one for each {CHUNK} values, got {chunks.shape[0]}")
    if values.shape[0] == 0:
        return 0
    work.values = <const char *>&values[0]
    if element is uint16_t:
        work.storage = BFLOAT16 if brain else FLOAT16
    else:
        work.storage = FLOAT64 if element is double else FLOAT32
    work.count = values.shape[0]
    work.step = step
    work.scale = scale
    work.chunks = &chunks[0]
    parallel_for(reduce_part, &work, chunks.shape[0], 4, threads)
    return 0


cpdef int square_sums(
    const element[::1] values, bint brain, double scale, double[::1] sums, int threads
) except -1 nogil:
    """Set each element of `sums` to the sum of squares of one chunk; see `reduce_chunks`."""
    return reduce_chunks(values, brain, SQUARES, scale, sums, threads)
