from libc.stdint cimport int64_t

cdef enum:
    ABSENT = -1


cdef class Counts:
    cdef dict slots  # slot of each index, never given to another one
    cdef list indices  # by slot
    cdef int64_t *values  # by slot; ABSENT where the index was never updated, or removed
    cdef Py_ssize_t room
    cdef int64_t largest

    cdef Py_ssize_t find(self, object index) except -2
    cdef Py_ssize_t slot_of(self, object index) except -1
    cdef int64_t largest_of_all(self)


cdef class CountsAhead:
    cdef Counts base
    cdef dict changed  # counts by index that are not in `base`, None for those removed
    cdef dict seen  # what `base` had where this has looked, ABSENT included
    cdef int64_t seen_largest
    cdef int64_t largest
    cdef bint frozen
