from cpython.ref cimport PyObject

from ..kernels.driver cimport Work
from .numpy_fields cimport Span
from .recognise_arrays cimport Known


cdef class BoundArrays:
    cdef Work work
    cdef PyObject **arrays  # owned while `held`, which many of them are
    cdef Py_ssize_t held
    cdef int states
    cdef bint noise
    cdef object form
    cdef bint master  # whether a 16-bit weight has a master copy
    cdef bint apart  # whether no two arrays share memory, unless both are gradients
    cdef Known *known
    cdef Span *written  # memory of weights and states in its order; if `apart`
    cdef Py_ssize_t spans
    cdef long taken  # how often arrays were checked

    cdef bint serves(self, Py_ssize_t tensors, int parameters, bint noise, form)
    cdef bint take(self, tuple weights, tuple grads, tuple states)
    cdef bint arrange(self, Py_ssize_t at, object weight, object grad, object state)
    cdef int describe(self, Py_ssize_t at, bint were_apart) except -1
    cdef bint dtypes_fit(self, const signed char *storage)
    cdef bint check_apart(self, bint written, bint grads)
    cdef bint is_unchanged(self)
    cdef int own(self, weights, grads, states) except -1
    cdef void release(self)
