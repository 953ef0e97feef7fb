"""The one pool of threads of this process, for the other kernels to cimport."""

cdef extern from "pool.h" nogil:
    enum: WEIGHTOPT_MAX_THREADS
    void weightopt_parallel_for(
        weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain, int threads
    )

cdef extern from "processors.h" nogil:
    int weightopt_processors()

#: How many threads the pool has at most, the caller among them.
MAX_THREADS = WEIGHTOPT_MAX_THREADS


def processors():
    """Return how many processors the calling thread may run on; 0 where the system does not say."""
    return weightopt_processors()


cdef void parallel_for(
    weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain, int threads
) noexcept nogil:
    weightopt_parallel_for(task, context, count, grain, threads)
