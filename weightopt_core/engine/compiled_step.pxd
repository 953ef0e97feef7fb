from libc.stddef cimport ptrdiff_t

from .bound_arrays cimport BoundArrays
from .constants cimport Constants
from .index_groups cimport Turn
from ..kernels.driver cimport Kernel


cdef class CompiledStep(BoundArrays):
    cdef object rule
    cdef Kernel kernel
    cdef object threads
    cdef unsigned long thread  # that computes, while it stands in `computing`
    cdef CompiledStep behind  # whose rule runs behind this one, part by part; or None
    cdef CompiledStep ahead  # the last step that this was behind, with arrays that were apart,
    cdef long apart_at  # and how often both had been checked by then
    cdef char *numbers  # factors of gradients, and constants in both compute types
    cdef Py_ssize_t room

    cdef int take_numbers(self, Constants constants, list keys, bint all_of_them=*) except -1
    cdef int threads_for(self, ptrdiff_t total) except -1
    cdef ptrdiff_t count_elements(self)
    cdef bint run_owned(
        self, Constants constants, list keys, tuple indices, numbers, Turn turn, int threads,
    ) except -1
    cdef int begin(self) except -1
    cdef int end(self) except -1
    cdef bint stands(self) except -1
    cdef bint run_measured(
        self, Constants constants, list keys, tuple indices, numbers, Turn turn, int threads,
    ) except -1
    cdef bint is_known(self, weights, grads, states, int threads)
    cdef bint is_for(self, rule, form) except -1
    cpdef bint knows(self, rule, weights, grads, states, form) except -1
    cpdef bint again(
        self, rule, weights, grads, states, form, Constants constants, list keys,
        tuple indices, numbers, Turn turn,
    ) except -1
    cdef bint is_apart_from(self, CompiledStep ahead) except -1
    cdef bint compute(self, int threads, bint unlocked) except -1
