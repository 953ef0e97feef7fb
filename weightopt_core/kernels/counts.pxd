from libc.stdint cimport int64_t

cdef enum:
    ABSENT = -1


cdef class Counts:
    cdef dict slots  # number of each index, never given to another one
    cdef list indices  # by slot
    cdef int64_t *values  # by slot; ABSENT where the index was never updated, or removed
    cdef Py_ssize_t room
    cdef public int64_t num_update

    cdef Py_ssize_t slot_of(self, object index) except -1
