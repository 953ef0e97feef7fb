from libc.stdint cimport int32_t, int64_t

from .counts cimport Counts


cdef struct Group:
    double lr_mult
    double wd_mult
    int64_t count  # of updates so far


cdef class Call:
    cdef readonly tuple indices
    cdef readonly Counts counts
    cdef public object bound
    cdef object multipliers
    cdef Py_ssize_t *slots
    cdef double *lr_mult
    cdef double *wd_mult
    cdef int32_t *which  # group of each index
    cdef char *absent  # whether an index was not counted before
    cdef int64_t before  # num_update before it was committed
    cdef Group *groups
    cdef Py_ssize_t number  # of indices
    cdef Py_ssize_t distinct  # groups

    cdef bint is_for(self, object indices) except -1
    cdef int multiply(self, object multipliers) except -1
    cdef int regroup(self, int64_t begin) except -1
    cpdef commit(self)
    cpdef uncommit(self)
