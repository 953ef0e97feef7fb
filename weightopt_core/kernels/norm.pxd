from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint16_t

cdef enum:
    CHUNK = 4096  # elements with a sum of their own
    LANES = 16  # running sums inside a chunk, element i in number i % LANES

# Add squares to the running sums of a chunk; only the last call for it may end within a row.
cdef void add_squares(double *sums, const void *values, int wide, ptrdiff_t count) noexcept nogil
# The same for values that are multiplied by `scale` before; for at most a stage of them.
cdef void add_scaled(
    double *sums, const void *values, int wide, ptrdiff_t count, double scale
) noexcept nogil
# Return the sum of the chunk; the running sums are lost.
cdef double sum_of_lanes(double *lanes) noexcept nogil

ctypedef fused element:
    float
    double
    uint16_t

cpdef int square_sums(
    const element[::1] values, bint brain, double scale, double[::1] sums, int threads
) except -1 nogil
