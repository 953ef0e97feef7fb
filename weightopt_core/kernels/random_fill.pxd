from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint64_t

cdef void draw_normal(
    void *out, ptrdiff_t itemsize, uint64_t key0, uint64_t key1, ptrdiff_t start, ptrdiff_t count
) noexcept nogil
