from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint16_t

# What is made of the elements of a chunk; all begin at 0.
cdef enum:
    SQUARES  # their sum
    VALUES  # their sum
    MAGNITUDES  # the largest
    STEPS  # how many there are

cdef struct Work:
    const char *values
    int storage
    ptrdiff_t count
    int step
    double scale
    double *chunks

# IN context, a Work, but for the numbers of chunks that it points to, which are OUT
cdef void reduce_part(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil

# Add values to the running numbers of a chunk; only the last call for it may end within a row.
cdef void add_values(
    int step, double *lanes, const void *values, int wide, ptrdiff_t count
) noexcept nogil
# The same for values that are multiplied by `scale` before; for at most a stage of them.
cdef void add_scaled(
    int step, double *lanes, const void *values, int wide, ptrdiff_t count, double scale
) noexcept nogil
# Return the number of the chunk; the running ones are lost.
cdef double join_lanes(int step, double *lanes) noexcept nogil

ctypedef fused element:
    float
    double
    uint16_t

cpdef int reduce_chunks(
    const element[::1] values, bint brain, int step, double scale, double[::1] chunks, int threads
) except -1 nogil
cpdef int square_sums(
    const element[::1] values, bint brain, double scale, double[::1] sums, int threads
) except -1 nogil
