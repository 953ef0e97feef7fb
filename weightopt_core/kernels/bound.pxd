from cpython.ref cimport PyObject

from .elementwise cimport Work
from .known cimport Known


#: How states are kept, beside what the weight's dtype says.
cpdef enum:
    MASTERS = 1
    ROUNDED = 2


cdef class Bound:
    cdef Work work
    cdef PyObject **arrays  # owned while `held`, which many of them are
    cdef Py_ssize_t held
    cdef int states
    cdef bint noise
    cdef int kept  # of `MASTERS` and `ROUNDED`
    cdef bint apart  # whether all its arrays are known to share no memory
    cdef bint moved  # whether a written array is elsewhere than before
    cdef Known *known

    cdef bint serves(self, Py_ssize_t tensors, int parameters, bint noise, int kept)
    cdef bint arrange(self, Py_ssize_t number, object weight, object grad, object state)
    cdef bint describe(self, Py_ssize_t number)
    cdef bint dtypes_fit(self, const signed char *storage)
    cdef int own(self, weights, grads, states) except -1
    cdef void release(self)
