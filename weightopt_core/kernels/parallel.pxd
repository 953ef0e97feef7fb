from libc.stddef cimport ptrdiff_t

cdef extern from "pool.h" nogil:
    ctypedef void (*weightopt_task)(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept

cdef void parallel_for(
    weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain, int threads
) noexcept nogil
