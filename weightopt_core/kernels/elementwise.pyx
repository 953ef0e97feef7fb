"""Drive a compiled rule over the elements of a weight, its gradient and its states."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stddef cimport ptrdiff_t

import numpy as np

cdef extern from "pool.h" nogil:
    ctypedef void (*weightopt_task)(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept
    void weightopt_parallel_for(
        weightopt_task task, void *context, ptrdiff_t count, ptrdiff_t grain, int threads
    )

cdef enum:
    MAX_ARRAYS = 16  # weight, gradient and 14 states
    GRAIN = 16384  # elements in one call of a compiled rule

#: Below this many elements a step stays on the calling thread.
THREAD_THRESHOLD = 2 * GRAIN

ctypedef fused real:
    float
    double

ctypedef void (*rule_function)(
    ptrdiff_t count, void *const *arrays, const void *constants
) noexcept nogil

cdef struct Work:
    rule_function function
    const void *constants
    Py_ssize_t itemsize
    int count
    char *arrays[MAX_ARRAYS]


cdef void run_chunk(void *context, ptrdiff_t begin, ptrdiff_t end) noexcept nogil:
    cdef Work *work = <Work *>context
    cdef void *arrays[MAX_ARRAYS]
    cdef int i
    for i in range(work.count):
        arrays[i] = work.arrays[i] + begin * work.itemsize
    work.function(end - begin, arrays, work.constants)


cdef class Kernel:
    """A rule's compiled functions.

    Parameters
    ----------
    float32, float64 : capsule
        The function for each compute type, as a plugin's compiled module exports it.
    arrays : int
        How many arrays the rule has.
    """

    cdef rule_function float32
    cdef rule_function float64
    cdef readonly int arrays

    def __init__(self, float32, float64, int arrays):
        if not 2 <= arrays <= MAX_ARRAYS:
            raise ValueError(f"arrays: expected 2 to {MAX_ARRAYS}, got {arrays}")
        self.float32 = <rule_function>PyCapsule_GetPointer(float32, "weightopt.rule.float32.1")
        self.float64 = <rule_function>PyCapsule_GetPointer(float64, "weightopt.rule.float64.1")
        self.arrays = arrays


def step(Kernel kernel, real[::1] weight, const real[::1] grad, list states, constants, int threads):
    """Update `weight` and `states` in place.

    Parameters
    ----------
    kernel : Kernel
        The compiled rule.
    weight, grad : array
        One dimension, float32 or float64, contiguous, of equal length.
    states : list of array
        As many as the rule has, each like `weight`.
    constants : numpy.ndarray
        The rule's numbers, float64.
    threads : int
        How many threads may share the work.
    """
    cdef Work work
    cdef real[::1] state, numbers
    cdef Py_ssize_t count = weight.shape[0]
    cdef int i
    if len(states) != kernel.arrays - 2:
        raise ValueError(f"states: expected {kernel.arrays - 2}, got {len(states)}")
    if grad.shape[0] != count:
        raise ValueError(f"grad: expected {count} elements, got {grad.shape[0]}")
    if count == 0:
        return
    work.count = kernel.arrays
    work.itemsize = sizeof(real)
    work.arrays[0] = <char *>&weight[0]
    work.arrays[1] = <char *>&grad[0]
    for i in range(work.count - 2):
        state = states[i]
        if state.shape[0] != count:
            raise ValueError(f"state {i}: expected {count} elements, got {state.shape[0]}")
        work.arrays[i + 2] = <char *>&state[0]
    if real is float:
        work.function = kernel.float32
        numbers = constants.astype(np.float32)
    else:
        work.function = kernel.float64
        numbers = constants.astype(np.float64)
    work.constants = &numbers[0] if numbers.shape[0] else NULL
    with nogil:
        weightopt_parallel_for(
            run_chunk, &work, count, GRAIN, threads if count >= 2 * GRAIN else 1
        )
