from libc.stdint cimport int32_t, int64_t

from .update_counts cimport Counts, CountsAhead


cdef struct Group:
    double lr_mult
    double wd_mult
    int64_t count  # of updates so far


cdef class Groups:
    cdef Group *group
    cdef int32_t *which  # group of each index; never changed, as constants refer to it
    cdef char *absent  # whether an index was not counted before the last update
    cdef Py_ssize_t size  # of indices
    cdef Py_ssize_t distinct  # groups
    cdef int64_t begin  # the count of an index that was never updated
    cdef int64_t changes  # of the counts, by anybody who has this


cdef class Call:
    cdef readonly tuple indices
    cdef readonly Counts counts
    cdef public object bound
    cdef object multipliers
    cdef list of_multipliers  # lr_mult and wd_mult of each index
    cdef Py_ssize_t *slots
    cdef Groups groups
    cdef Py_ssize_t size  # of indices

    cdef bint is_for(self, object indices) except -1
    cdef bint fits(self, Groups groups)
    cdef Groups regroup(self, int64_t begin)


cdef class Turn:
    cdef readonly Counts counts
    cdef readonly int64_t num_update
    cdef int64_t before  # num_update before it was committed
    cdef Call call
    cdef Groups groups
    cdef int64_t changes
    cdef CountsAhead ahead  # what `view` returns, once it was asked for

    cpdef int commit(self) except -1
    cpdef int uncommit(self) except -1


cdef class AheadTurn(Turn):
    cdef tuple indices
    cdef Py_ssize_t *slots
    cdef int64_t *seen
    cdef int64_t *new
    cdef Py_ssize_t size

    cdef bint stands(self, const int64_t *expected)
