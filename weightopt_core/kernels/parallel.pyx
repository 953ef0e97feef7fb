"""The one pool of threads of this process, for the other kernels to cimport.

Design
------
a) ``pool.c`` has the pool, and its state stands in this module alone: a second copy of that text in
   another module would be a second pool, whose helpers compete with these.
b) Others call `parallel_for` through this module's table of C functions, never Python.
"""

cdef extern from "pool.h" nogil:
    enum: WEIGHTOPT_MAX_THREADS
    void weightopt_parallel_for(
        weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain, int threads
    )
    int weightopt_use_team(const char *path)

cdef extern from "processors.h" nogil:
    int weightopt_processors()

#: How many threads the pool has at most, the caller among them.
MAX_THREADS = WEIGHTOPT_MAX_THREADS


def processors():
    """Return how many processors the calling thread may run on; 0 where the system does not say."""
    return weightopt_processors()


def use_team(path):
    """Run loops on the threads of a loaded OpenMP library, or the pool's; return whether it can."""
    cdef bytes encoded = b"" if path is None else path
    cdef char *name = encoded
    cdef bint done
    with nogil:
        done = weightopt_use_team(NULL if path is None else name)
    return done


# The task gets `context` as it is, on any thread. It must not raise or take the interpreter's lock,
# for the caller may hold that while it waits.
cdef void parallel_for(
    weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain, int threads
) noexcept nogil:
    weightopt_parallel_for(task, context, count, grain, threads)
