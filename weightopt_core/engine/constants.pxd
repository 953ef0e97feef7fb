from libc.stdint cimport int32_t


cdef class Constants:
    cdef double *values
    cdef readonly Py_ssize_t rows
    cdef readonly Py_ssize_t width
    cdef int32_t *which  # row of each tensor; belongs to `owner`, or is `own`
    cdef readonly Py_ssize_t tensors
    cdef public tuple factors  # by which gradients are multiplied before; None where there are none
    cdef int32_t *own  # the same, where it belongs to this
    cdef object owner

    cdef int resize(self, Py_ssize_t rows, Py_ssize_t width) except -1
    cdef int take_own(self, Py_ssize_t tensors) except -1


cdef class Settled:
    cdef tuple seen
    cdef object evaluate
    cdef double *fixed
