from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint64_t

cdef void draw_normal(
    void *out, ptrdiff_t itemsize, uint64_t key0, uint64_t key1, ptrdiff_t start, ptrdiff_t count
) noexcept nogil

ctypedef fused real:
    float
    double

cpdef int fill_uniform(
    real[::1] out, uint64_t key0, uint64_t key1, uint64_t start, double low, double high,
    double bottom, double top, int threads,
) except -1 nogil
cpdef int fill_normal(
    real[::1] out, uint64_t key0, uint64_t key1, uint64_t start, double mean, double sigma,
    int threads,
) except -1 nogil
