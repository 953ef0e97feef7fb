"""The one pool of threads of this process, for the other kernels to cimport."""

cdef extern from "pool.h" nogil:
    void weightopt_parallel_for(
        weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain, int threads
    )


cdef void parallel_for(
    weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain, int threads
) noexcept nogil:
    weightopt_parallel_for(task, context, count, grain, threads)
